#include "base/json_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

struct Read {
  std::vector<std::string> items;
  std::map<std::string, std::string> others;
};

Read read(std::string_view text) {
  Read found;
  read_json_items(text, "file.json",
                  {.array = "events",
                   .item = [&](nlohmann::json& item) { found.items.push_back(item.dump()); },
                   .other = [&](const std::string& name,
                                nlohmann::json& value) { found.others[name] = value.dump(); }});
  return found;
}

std::string refusal(std::string_view text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonItems, HandsOverElementsOfTheArrayAndOtherMembers) {
  const Read found = read(R"({"rank": 3, "info": {"groups": [[0, 1], [2]]},
                             "events": [{"name": "a", "args": {"n": [1, {"x": 2}]}}, 7, null, []],
                             "end": 1.5})");
  EXPECT_THAT(found.items,
              testing::ElementsAre(R"({"args":{"n":[1,{"x":2}]},"name":"a"})", "7", "null", "[]"));
  EXPECT_EQ(found.others.at("info"), R"({"groups":[[0,1],[2]]})");
  EXPECT_EQ(found.others.at("rank"), "3");
  EXPECT_EQ(found.others.at("end"), "1.5");
}

TEST(JsonItems, AnArrayOfThatNameDeeperDownIsNoneToReadByItem) {
  const Read found = read(R"({"info": {"events": [1, 2]}, "events": []})");
  EXPECT_TRUE(found.items.empty());
  EXPECT_EQ(found.others.at("info"), R"({"events":[1,2]})");
}

TEST(JsonItems, SaysWhereTheTextIsWrong) {
  EXPECT_EQ(refusal("{\"events\": [1,\n 2"),
            "file.json:2:2: JSON ends too early; give one complete JSON document");
  EXPECT_EQ(refusal("{\"events\": [1, x]}"),
            "file.json:1:16: is not valid JSON; give one complete JSON document");
  EXPECT_EQ(refusal("[1]"), "file.json: is not a JSON object; give one JSON document");
  EXPECT_EQ(refusal("3"), "file.json: is not a JSON object; give one JSON document");
  EXPECT_EQ(refusal("{\"a\": " + std::string(200, '[')), "file.json: nests deeper than 100 levels");
  EXPECT_EQ(refusal("{\"a\": 1e999}"), "file.json: holds a number that does not fit");
}

}  // namespace
}  // namespace mixnet
