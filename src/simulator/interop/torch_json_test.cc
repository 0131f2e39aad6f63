#include "interop/torch_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mixnet {
namespace {

using nlohmann::json;
using testing::ElementsAre;

TEST(TorchJson, ListsAreListsOrTextOfThem) {
  bool is_cut = false;
  const json list = {1, 2, 3}, text = "[1, 2, 3]", one = 7, none = "[]", cut = "[1, 2, ...]";
  EXPECT_THAT(torch_list(&list, is_cut), ElementsAre(1, 2, 3));
  EXPECT_THAT(torch_list(&text, is_cut), ElementsAre(1, 2, 3));
  EXPECT_THAT(torch_list(&one, is_cut), ElementsAre(7));
  EXPECT_TRUE(torch_list(&none, is_cut).empty());
  EXPECT_FALSE(is_cut);
  EXPECT_THAT(torch_list(&cut, is_cut), ElementsAre(1, 2));
  EXPECT_TRUE(is_cut);
}

TEST(TorchJson, NumbersAndTextMayBeEachOther) {
  const json number = 12, text = "12", quoted = "\"12\"", negative = -1;
  EXPECT_EQ(torch_whole(&number), 12U);
  EXPECT_EQ(torch_whole(&text), 12U);
  EXPECT_EQ(torch_whole(&negative), std::nullopt);
  EXPECT_EQ(torch_whole(nullptr), std::nullopt);
  EXPECT_EQ(torch_text(&number), "12");
  EXPECT_EQ(torch_text(&quoted), "12");
}

TEST(TorchJson, GroupsByNameAndByTheirIds) {
  TorchGroups groups;
  add_torch_groups(json::parse(R"([{"pg_name": "0", "ranks": [], "group_size": 4},
                                   {"pg_name": "3", "uid": "ab", "ranks": [1, 3], "pg_size": 2}])"),
                   groups);
  EXPECT_EQ(groups.at("0").members, 4U);
  EXPECT_TRUE(groups.at("0").ranks.empty());
  EXPECT_THAT(groups.at("3").ranks, ElementsAre(1, 3));
  EXPECT_THAT(groups.at("ab").ranks, ElementsAre(1, 3));
  groups.clear();
  add_torch_groups("[{\"pg_name\": \"0\", \"ran", groups);  // cut
  EXPECT_TRUE(groups.empty());
}

TEST(TorchJson, ARecordsGroupByItsFirstRankAndStride) {
  const TorchComm comm = comm_of_record(
      json::parse(R"({"Collective name": "allreduce", "Group size": 3, "Global rank start": 1,
                      "Global rank stride": 4, "dtype": "Float", "In msg nelems": "5"})"),
      "f.json");
  EXPECT_THAT(comm.ranks, ElementsAre(1, 5, 9));
  EXPECT_EQ(comm.elements, 5U);
}

}  // namespace
}  // namespace mixnet
