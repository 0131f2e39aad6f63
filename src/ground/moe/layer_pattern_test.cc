#include "moe/layer_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

/// A letter for each layer: E has experts, d is dense; in capitals of the family's own attention.
std::string letters(const std::string& family, const std::string& file, int layers) {
  const nlohmann::json document = nlohmann::json::parse(file);
  const ConfigFields fields(JsonReader(document, "x.json"), *find_family(family));
  std::string text;
  for (const LayerSort& sort : layer_pattern(fields, layers)) {
    text += sort.is_moe ? 'E' : 'D';
    if (!sort.is_main) text.back() += 'a' - 'A';
    if (!sort.has_mixer) text.back() = sort.is_moe ? '+' : '-';
    if (!sort.has_feed_forward) text.back() = sort.is_main ? '*' : 'm';
  }
  return text;
}

std::string error_of(const std::string& family, const std::string& file, int layers) {
  try {
    return letters(family, file, layers);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(LayerPattern, DensePrefixesAndIntervals) {
  EXPECT_EQ(letters("deepseek_v3", R"({"first_k_dense_replace": 2})", 4), "DDEE");
  EXPECT_EQ(letters("deepseek_v3", R"({"first_k_dense_replace": 1, "moe_layer_freq": 2})", 5),
            "DDEDE");
  EXPECT_EQ(letters("llama4", R"({"interleave_moe_layer_step": 2})", 4), "DEDE");
  EXPECT_EQ(letters("qwen3_moe", R"({"decoder_sparse_step": 2, "mlp_only_layers": [1]})", 4),
            "DDDE");
  EXPECT_EQ(letters("ernie4_5_moe", R"({"moe_layer_start_index": 1, "moe_layer_end_index": 2})", 4),
            "DEED");
  EXPECT_EQ(letters("arctic", "{}", 4), "DEDE");
}

TEST(LayerPattern, Lists) {
  EXPECT_EQ(letters("glm4_moe_lite", R"({"mlp_layer_types": ["dense", "sparse", "sparse"]})", 3),
            "DEE");
  EXPECT_EQ(letters("llama4", R"({"moe_layers": [0, 2]})", 3), "EDE");
  EXPECT_EQ(letters("deepseek_v3", R"({"moe_layer_freq": [0, 1, 1]})", 3), "DEE");
}

TEST(LayerPattern, WhatMixesTokens) {
  EXPECT_EQ(letters("qwen3_next", "{}", 8), "eeeEeeeE");
  EXPECT_EQ(letters("jamba", "{}", 8), "dedeDede");
  EXPECT_EQ(letters("minimax_text_01", R"({"attn_type_list": [0, 0, 1]})", 3), "eeE");
  EXPECT_EQ(letters("kimi_linear", R"({"linear_attn_config": {"full_attn_layers": [2]}})", 3),
            "dEe");
  EXPECT_EQ(letters("lfm2_moe", R"({"full_attn_idxs": [1]})", 3), "dDe");
  EXPECT_EQ(letters("bailing_moe_linear", R"({"layer_group_size": 2})", 5), "eEeEE");
  EXPECT_EQ(letters("nemotron_h", R"({"hybrid_override_pattern": "ME*-"})", 4), "m+*-");
}

TEST(LayerPattern, RefusesListsThatDoNotFit) {
  EXPECT_THAT(error_of("qwen3_next", R"({"layer_types": ["full_attention"]})", 2),
              HasSubstr("has 1 entries for 2 layers"));
  EXPECT_THAT(error_of("qwen3_next", R"({"layer_types": ["sideways"]})", 1),
              HasSubstr("'sideways' is no layer of qwen3_next"));
  EXPECT_THAT(error_of("nemotron_h", R"({"hybrid_override_pattern": "MX"})", 2),
              HasSubstr("is not 2 letters"));
  EXPECT_THAT(error_of("llama4", R"({"moe_layers": [7]})", 2), HasSubstr("key 'moe_layers[0]'"));
  EXPECT_THAT(error_of("deepseek_v3", R"({"first_k_dense_replace": 9})", 2),
              HasSubstr("leaves no layer with experts"));
}

}  // namespace
}  // namespace mixnet
