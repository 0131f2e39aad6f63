#include "base/json_reader.h"

#include <gmock/gmock.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

class JsonReaderTest : public ::testing::Test {
 protected:
  const nlohmann::json document_ = parse_json(
      R"({"name": "m", "layers": 32, "rate": 0.5, "whole": 8.0, "on": true, "none": null,
          "rope": {"base": 1e6}, "list": [1, "two", {"three": -3}]})",
      "config.json");
  const JsonReader reader_{document_, "config.json"};
};

TEST_F(JsonReaderTest, StepsDownAndReads) {
  EXPECT_EQ(reader_.at("name").string(), "m");
  EXPECT_EQ(reader_.at("layers").integer(), 32);
  EXPECT_EQ(reader_.at("rate").number(), 0.5);
  EXPECT_EQ(reader_.at("whole").integer(), 8) << "8.0 is a whole number";
  EXPECT_TRUE(reader_.at("on").boolean());
  EXPECT_EQ(reader_.at("rope").at("base").integer(), 1'000'000);
  EXPECT_EQ(reader_.at("list").size(), 3U);
  EXPECT_EQ(reader_.at("list").at(2).at("three").number(-5), -3);
  EXPECT_THAT(reader_.at("rope").keys(), ElementsAre("base"));
}

TEST_F(JsonReaderTest, NullIsAbsent) {
  EXPECT_TRUE(reader_.has("name"));
  EXPECT_FALSE(reader_.has("none"));
  EXPECT_FALSE(reader_.has("nowhere"));
  EXPECT_EQ(refusal([&] { reader_.at("none"); }), "config.json: key 'none' is missing");
  EXPECT_EQ(refusal([&] { reader_.at("rope").at("x"); }),
            "config.json (key 'rope'): key 'x' is missing");
}

TEST_F(JsonReaderTest, DefaultsStandInForWhatIsAbsent) {
  EXPECT_EQ(reader_.number_or("none", 7), 7);
  EXPECT_EQ(reader_.number_or("layers", 7), 32);
  EXPECT_EQ(reader_.number_or("nowhere", 1.5), 1.5);
  EXPECT_EQ(reader_.string_or("name", "x"), "m");
  EXPECT_EQ(reader_.string_or("nowhere", "x"), "x");
  EXPECT_TRUE(reader_.boolean_or("nowhere", true));
  EXPECT_EQ(refusal([&] { reader_.number_or("name", 7); }),
            "config.json (key 'name'): \"m\" is not a number")
      << "what is there must fit, default or not";
}

TEST_F(JsonReaderTest, WrongKindsAreRefusedByPath) {
  EXPECT_EQ(refusal([&] { reader_.at("layers").string(); }),
            "config.json (key 'layers'): 32 is not a string");
  EXPECT_EQ(refusal([&] { reader_.at("rate").integer(); }),
            "config.json (key 'rate'): 0.5 is not a whole number");
  EXPECT_EQ(refusal([&] { reader_.at("list").at(2).at("three").number(); }),
            "config.json (key 'list[2].three'): -3 is not a number of at least 0");
  EXPECT_EQ(refusal([&] { reader_.at("layers").integer(0, 31); }),
            "config.json (key 'layers'): 32 is not a whole number up to 31");
  EXPECT_EQ(refusal([&] { reader_.at("name").boolean(); }),
            "config.json (key 'name'): \"m\" is not true or false");
  EXPECT_EQ(refusal([&] { reader_.at("list").at("x"); }),
            "config.json (key 'list'): [1,\"two\",{\"three\":-3}] is not an object");
  EXPECT_EQ(refusal([&] { reader_.at("rope").size(); }),
            "config.json (key 'rope'): {\"base\":1000000.0} is not an array");
  EXPECT_EQ(refusal([&] { reader_.at("list").at(3); }),
            "config.json (key 'list'): has no element 3");
  EXPECT_THAT(refusal([&] { reader_.at("list").keys(); }), HasSubstr("is not an object"));
}

TEST(ParseJson, SyntaxErrorsHaveAPlace) {
  const auto parse = [](std::string_view text) {
    return refusal([&] { parse_json(text, "f.json"); });
  };
  EXPECT_THAT(parse("{\n  \"a\": oops}"), HasSubstr("f.json:2:"));
  EXPECT_THAT(parse("{\n  \"a\": oops}"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(parse("{\"a\": 1"), HasSubstr("JSON ends too early"));
  EXPECT_THAT(parse(""), HasSubstr("JSON ends too early"));
  EXPECT_THAT(parse("1 2"), HasSubstr("f.json:1:3"));
  EXPECT_THAT(parse("\"\xff\""), HasSubstr("f.json:1:"));
  EXPECT_THAT(parse("[1e999]"), HasSubstr("does not fit"));
}

TEST(ParseJson, DeepNestingIsRefused) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(refusal([&] { parse_json(nested(100), "f.json"); }), "accepted");
  EXPECT_THAT(refusal([&] { parse_json(nested(102), "f.json"); }), HasSubstr("nests deeper"));
  EXPECT_THAT(refusal([&] { parse_json(std::string(1'000'000, '['), "f.json"); }),
              HasSubstr("nests deeper"));
}

TEST(JsonReader, NumbersBeyondAWholeNumbersRangeAreRefused) {
  const nlohmann::json document = parse_json("[1e300, 18446744073709551615]", "f.json");
  const JsonReader list(document, "f.json");
  EXPECT_THAT(refusal([&] { list.at(0).integer(); }), HasSubstr("is not a whole number up to"));
  EXPECT_THAT(refusal([&] { list.at(1).integer(); }), HasSubstr("is not a whole number up to"));
}

}  // namespace
}  // namespace mixnet
