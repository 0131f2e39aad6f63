#include "moe/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

json mixtral() {
  return {{"model_type", "mixtral"},  {"hidden_size", 4096},    {"intermediate_size", 14336},
          {"num_hidden_layers", 32},  {"vocab_size", 32000},    {"num_attention_heads", 32},
          {"num_key_value_heads", 8}, {"num_local_experts", 8}, {"num_experts_per_tok", 2}};
}

json qwen3_30b() {
  return {{"model_type", "qwen3_moe"},
          {"hidden_size", 2048},
          {"intermediate_size", 6144},
          {"num_hidden_layers", 48},
          {"vocab_size", 151936},
          {"num_attention_heads", 32},
          {"num_key_value_heads", 4},
          {"head_dim", 128},
          {"num_experts", 128},
          {"num_experts_per_tok", 8},
          {"moe_intermediate_size", 768},
          {"decoder_sparse_step", 1},
          {"mlp_only_layers", json::array()}};
}

json qwen2_57b() {
  return {{"model_type", "qwen2_moe"},
          {"hidden_size", 3584},
          {"intermediate_size", 18944},
          {"num_hidden_layers", 28},
          {"vocab_size", 151936},
          {"num_attention_heads", 28},
          {"num_key_value_heads", 4},
          {"num_experts", 64},
          {"num_experts_per_tok", 8},
          {"moe_intermediate_size", 2560},
          {"shared_expert_intermediate_size", 20480}};
}

json deepseek_v2_lite() {
  return {
      {"model_type", "deepseek_v2"},   {"hidden_size", 2048},        {"intermediate_size", 10944},
      {"num_hidden_layers", 27},       {"vocab_size", 102400},       {"num_attention_heads", 16},
      {"num_key_value_heads", 16},     {"q_lora_rank", nullptr},     {"kv_lora_rank", 512},
      {"qk_nope_head_dim", 128},       {"qk_rope_head_dim", 64},     {"v_head_dim", 128},
      {"n_routed_experts", 64},        {"n_shared_experts", 2},      {"num_experts_per_tok", 6},
      {"moe_intermediate_size", 1408}, {"first_k_dense_replace", 1}, {"moe_layer_freq", 1}};
}

json llama_moe() {
  return {{"model_type", "llama_moe"}, {"hidden_size", 4096}, {"intermediate_size", 11008},
          {"num_hidden_layers", 32},   {"vocab_size", 32000}, {"num_attention_heads", 32},
          {"num_experts", 8},          {"num_selects", 2}};
}

json gpt_oss_20b() {
  return {{"model_type", "gpt_oss"},  {"hidden_size", 2880},  {"intermediate_size", 2880},
          {"num_hidden_layers", 24},  {"vocab_size", 201088}, {"num_attention_heads", 64},
          {"num_key_value_heads", 8}, {"head_dim", 64},       {"num_local_experts", 32},
          {"num_experts_per_tok", 4}};
}

json olmoe() {
  return {{"model_type", "olmoe"},     {"hidden_size", 2048}, {"intermediate_size", 1024},
          {"num_hidden_layers", 16},   {"vocab_size", 50304}, {"num_attention_heads", 16},
          {"num_key_value_heads", 16}, {"num_experts", 64},   {"num_experts_per_tok", 8}};
}

Model parse(const json& config, const std::string& input = "some/config.json") {
  return parse_model_config(config.dump(), input);
}

json with(json config, const std::string& key, json value) {
  config[key] = std::move(value);
  return config;
}

json without(json config, const std::string& key) {
  config.erase(key);
  return config;
}

std::string error_of_text(const std::string& text) {
  try {
    parse_model_config(text, "bad.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of(const json& config) { return error_of_text(config.dump()); }

std::vector<int> dense_layers(const Model& model) {
  std::vector<int> dense;
  for (int layer = 0; layer < model.layers; ++layer) {
    if (!model.is_moe[static_cast<std::size_t>(layer)]) dense.push_back(layer);
  }
  return dense;
}

TEST(ModelConfig, ReadsMixtral) {
  const Model model = parse(mixtral());
  EXPECT_EQ(model.family, "mixtral");
  EXPECT_EQ(model.layers, 32);
  EXPECT_EQ(model.hidden, 4096);
  EXPECT_EQ(model.experts, 8);
  EXPECT_EQ(model.placed_experts, 8);
  EXPECT_EQ(model.top_k, 2);
  EXPECT_EQ(model.expert_intermediate, 14336);
  EXPECT_EQ(model.attention.head_dim, 128);
  EXPECT_EQ(model.attention.kv_heads, 8);
  EXPECT_EQ(moe_layers(model), 32);
  EXPECT_EQ(total_parameters(model), 46'702'792'704);
}

// What the weight files on HuggingFace (safetensors totals) add up to.
TEST(ModelConfig, CountsOfOtherPublishedModelsComeOut) {
  EXPECT_EQ(total_parameters(parse(qwen3_30b())), 30'532'122'624);
  EXPECT_EQ(total_parameters(parse(qwen2_57b())), 57'408'658'944);
  EXPECT_EQ(total_parameters(parse(deepseek_v2_lite())), 15'706'484'224);
  EXPECT_EQ(total_parameters(parse(gpt_oss_20b())), 20'914'757'184);
  EXPECT_EQ(total_parameters(parse(olmoe())), 6'919'161'856);
}

TEST(ModelConfig, HeadWidthIsGivenOrFollowsFromHiddenSize) {
  EXPECT_EQ(parse(mixtral()).attention.head_dim, 4096 / 32);
  EXPECT_EQ(parse(with(mixtral(), "head_dim", nullptr)).attention.head_dim, 4096 / 32);
  EXPECT_EQ(parse(with(mixtral(), "head_dim", 64)).attention.head_dim, 64);
}

TEST(ModelConfig, QwenLayersWithoutExperts) {
  json config = with(qwen3_30b(), "decoder_sparse_step", 2);
  config["num_hidden_layers"] = 6;
  EXPECT_EQ(dense_layers(parse(config)), (std::vector<int>{0, 2, 4}));
  config["mlp_only_layers"] = {1, 4};
  EXPECT_EQ(dense_layers(parse(config)), (std::vector<int>{0, 1, 2, 4}));
  EXPECT_EQ(parse(config).dense_intermediate, 6144);
  EXPECT_EQ(parse(qwen3_30b()).dense_intermediate, 0);
}

TEST(ModelConfig, QwenFlavoursDifferInNormsBiasesAndSharedExperts) {
  const Model two = parse(qwen2_57b());
  EXPECT_TRUE(two.attention.qkv_bias);
  EXPECT_FALSE(two.attention.output_bias);
  EXPECT_EQ(two.shared_intermediate, 20480);
  EXPECT_TRUE(two.shared_expert_gate);
  const Model three = parse(qwen3_30b());
  EXPECT_FALSE(three.attention.qkv_bias);
  EXPECT_EQ(three.attention.query_norm_width, 128);
  EXPECT_EQ(three.shared_intermediate, 0);
}

TEST(ModelConfig, DeepSeekLayersSharedExpertsAndLatents) {
  const Model lite = parse(deepseek_v2_lite());
  EXPECT_EQ(lite.attention.kind, AttentionKind::kMultiHeadLatent);
  EXPECT_EQ(lite.attention.q_lora_rank, 0);
  EXPECT_EQ(lite.attention.head_dim, 192);
  EXPECT_EQ(lite.shared_intermediate, 2 * 1408);
  EXPECT_EQ(lite.dense_intermediate, 10944);
  EXPECT_EQ(dense_layers(lite), std::vector<int>{0});
  EXPECT_FALSE(lite.router_bias);

  json config = with(deepseek_v2_lite(), "moe_layer_freq", 4);
  config["num_hidden_layers"] = 9;
  EXPECT_EQ(dense_layers(parse(config)), (std::vector<int>{0, 1, 2, 3, 5, 6, 7}));
  EXPECT_EQ(parse(with(config, "n_shared_experts", nullptr)).shared_intermediate, 0);
  EXPECT_EQ(parse(with(config, "q_lora_rank", 1536)).attention.q_lora_rank, 1536);
}

TEST(ModelConfig, DeepSeekV3AndKimiBalanceWithARouterBias) {
  for (const char* type : {"deepseek_v3", "kimi_k2"}) {
    const json config = with(deepseek_v2_lite(), "model_type", type);
    EXPECT_EQ(parse(config).family, type);
    EXPECT_TRUE(parse(config).router_bias);
    EXPECT_FALSE(parse(with(config, "topk_method", "greedy")).router_bias);
    EXPECT_EQ(total_parameters(parse(config)) - total_parameters(parse(deepseek_v2_lite())),
              26 * 64);
  }
}

TEST(ModelConfig, LlamaMoeCutsOneFeedForwardPartIntoExperts) {
  const Model model = parse(llama_moe());
  EXPECT_EQ(model.expert_intermediate, 11008 / 8);
  EXPECT_EQ(model.top_k, 2);
  EXPECT_EQ(model.attention.kv_heads, 32);  // absent: one per head
  EXPECT_TRUE(model.router_mlp);
  EXPECT_TRUE(model.router_noise);
  json plain = with(llama_moe(), "gate_network", "linear");
  plain["gate_add_noise"] = false;
  EXPECT_EQ(router_parameters(parse(plain)), 4096 * 8);

  const json widths =
      json::array({json(std::vector<int>(8, 1376)), json(std::vector<int>(8, 1376))});
  EXPECT_EQ(parse(with(llama_moe(), "size_experts", widths)).expert_intermediate, 1376);
}

TEST(ModelConfig, GptOssHasBiasesSinksAndTwoNamesForTopK) {
  const Model model = parse(gpt_oss_20b());
  EXPECT_TRUE(model.attention.qkv_bias);
  EXPECT_TRUE(model.attention.output_bias);
  EXPECT_TRUE(model.attention.sinks);
  EXPECT_TRUE(model.expert_bias);
  EXPECT_TRUE(model.router_bias);
  const json other = with(without(gpt_oss_20b(), "num_experts_per_tok"), "experts_per_token", 3);
  EXPECT_EQ(parse(other).top_k, 3);
}

TEST(ModelConfig, OlmoeNormsSpanAllHeads) {
  const Model model = parse(with(olmoe(), "num_key_value_heads", 4));
  EXPECT_EQ(model.attention.query_norm_width, 2048);
  EXPECT_EQ(model.attention.key_norm_width, 512);
}

TEST(ModelConfig, FamilyFollowsFromArchitecturesWhenModelTypeIsAbsent) {
  const json config =
      with(without(mixtral(), "model_type"), "architectures", {"MixtralForCausalLM"});
  EXPECT_EQ(parse(config).family, "mixtral");
  EXPECT_EQ(total_parameters(parse(config)), total_parameters(parse(mixtral())));
}

TEST(ModelConfig, KeysThatDoNotBearOnShapesAreIgnored) {
  json config = with(mixtral(), "rope_theta", 1e6);
  config["torch_dtype"] = "bfloat16";
  config["sliding_window"] = nullptr;
  EXPECT_EQ(total_parameters(parse(config)), total_parameters(parse(mixtral())));
}

TEST(ModelConfig, NameIsTheFileOrTheFolderOfAConfigJson) {
  EXPECT_EQ(parse(mixtral(), "/models/Mixtral-8x7B-v0.1/config.json").name, "Mixtral-8x7B-v0.1");
  EXPECT_EQ(parse(mixtral(), "/models/tuned.json").name, "tuned");
  EXPECT_EQ(parse(mixtral(), "config.json").name, "config");
  EXPECT_EQ(parse(mixtral(), "./config.json").name, "config");
  EXPECT_EQ(parse(mixtral(), "/models/tuned.json").title, "tuned");
}

TEST(ModelConfig, OurOwnObjectAddsWhatConfigJsonHasNoPlaceFor) {
  const json extension = {{"title", "Mine"},
                          {"source", "measured"},
                          {"published_parameters", 46'700'000'000},
                          {"published_active_parameters", 12'900'000'000},
                          {"published_active_without_embedding", true},
                          {"placed_experts", 16},
                          {"defaults",
                           {{"tp", 4},
                            {"pp", 2},
                            {"ep", 8},
                            {"micro_batch_size", 3},
                            {"seq_length", 2048},
                            {"global_batch_size", 96}}}};
  const Model model = parse(with(mixtral(), "mixnet", extension));
  EXPECT_EQ(model.title, "Mine");
  EXPECT_EQ(model.source, "measured");
  EXPECT_EQ(model.published_parameters, 46'700'000'000);
  EXPECT_EQ(model.published_active_parameters, 12'900'000'000);
  EXPECT_TRUE(model.published_active_without_embedding);
  EXPECT_EQ(model.experts, 8);
  EXPECT_EQ(model.placed_experts, 16);
  EXPECT_EQ(model.defaults.tp, 4);
  EXPECT_EQ(model.defaults.pp, 2);
  EXPECT_EQ(model.defaults.ep, 8);
  EXPECT_EQ(model.defaults.micro_batch_size, 3);
  EXPECT_EQ(model.defaults.seq_length, 2048);
  EXPECT_EQ(model.defaults.global_batch_size, 96);
  EXPECT_EQ(parse(mixtral()).defaults.tp, 0);
}

TEST(ModelConfig, RefusesTextThatIsNoJsonObject) {
  EXPECT_THAT(error_of_text(""), HasSubstr("bad.json:1:1"));
  EXPECT_THAT(error_of_text("{\"model_type\": \"mixtral\","), HasSubstr("ends too early"));
  EXPECT_THAT(error_of_text("{\"model_type\" \"mixtral\"}"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(error_of_text("[1, 2]"), HasSubstr("is not an object"));
  EXPECT_THAT(error_of_text("42"), HasSubstr("is not an object"));
  EXPECT_THAT(error_of_text("null"), HasSubstr("is not an object"));
  EXPECT_THAT(error_of_text(std::string(5000, '[')), HasSubstr("100 levels"));
  EXPECT_THAT(error_of_text(mixtral().dump() + "xyz"), HasSubstr("is not valid JSON"));
}

/// Every key of the examples above is needed, save those that the family's reference has a default
/// for, named here; null is as good as absent.
TEST(ModelConfig, RefusesAMissingKeyByItsName) {
  const std::vector<std::pair<json, std::vector<std::string>>> families = {
      {mixtral(), {"num_key_value_heads"}},
      // The width of dense layers, of which there are none.
      {with(qwen2_57b(), "num_attention_heads", 32), {"intermediate_size", "num_key_value_heads"}},
      {qwen3_30b(),
       {"intermediate_size", "decoder_sparse_step", "mlp_only_layers", "head_dim",
        "num_key_value_heads"}},
      {deepseek_v2_lite(),
       {"num_key_value_heads", "moe_layer_freq", "n_shared_experts", "first_k_dense_replace"}},
      {llama_moe(), {}},
      {gpt_oss_20b(), {"head_dim", "num_key_value_heads"}},
      {olmoe(), {"num_key_value_heads"}},
  };
  for (const auto& [config, optional] : families) {
    for (const auto& item : config.items()) {
      const std::string& key = item.key();
      const std::string error = error_of(without(config, key));
      if (std::find(optional.begin(), optional.end(), key) != optional.end()) {
        EXPECT_EQ(error, "no error") << config["model_type"] << key;
      } else {
        EXPECT_THAT(error, AllOf(HasSubstr("bad.json"), HasSubstr("'" + key + "' is missing")))
            << config["model_type"];
      }
    }
  }
}

/// Every size, replaced by what no size can be.
TEST(ModelConfig, RefusesAbsurdSizesByTheirKey) {
  const std::vector<json> absurd = {-1,  0,    1e18,    9007199254740993, 2.5,
                                    "8", true, nullptr, json::array(),    json::object()};
  for (const json& config : {mixtral(), qwen3_30b(), gpt_oss_20b(), olmoe()}) {
    for (const char* key : {"hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads",
                            "num_experts_per_tok"}) {
      for (const json& value : absurd) {
        EXPECT_THAT(error_of(with(config, key, value)),
                    AllOf(HasSubstr("bad.json"), HasSubstr(key)))
            << config["model_type"] << value;
      }
    }
  }
}

TEST(ModelConfig, RefusesContradictions) {
  EXPECT_THAT(error_of(with(mixtral(), "num_experts_per_tok", 9)),
              AllOf(HasSubstr("key 'num_experts_per_tok'"), HasSubstr("9"), HasSubstr("the 8")));
  EXPECT_THAT(error_of(with(mixtral(), "num_key_value_heads", 5)),
              AllOf(HasSubstr("key 'num_key_value_heads'"), HasSubstr("does not divide")));
  EXPECT_THAT(error_of(with(mixtral(), "num_key_value_heads", 64)), HasSubstr("does not divide"));
  EXPECT_THAT(error_of(with(mixtral(), "hidden_size", 4097)), HasSubstr("give head_dim"));
  EXPECT_THAT(error_of(with(qwen3_30b(), "mlp_only_layers", {48})),
              HasSubstr("key 'mlp_only_layers[0]'"));
  EXPECT_THAT(error_of(with(qwen3_30b(), "mlp_only_layers", 3)), HasSubstr("mlp_only_layers"));
  EXPECT_THAT(error_of(with(qwen3_30b(), "decoder_sparse_step", 100)),
              AllOf(HasSubstr("decoder_sparse_step"), HasSubstr("no layer with experts")));
  EXPECT_THAT(error_of(with(deepseek_v2_lite(), "first_k_dense_replace", 27)),
              AllOf(HasSubstr("first_k_dense_replace"), HasSubstr("no layer with experts")));
  EXPECT_THAT(error_of(with(deepseek_v2_lite(), "n_shared_experts", 60000)),
              HasSubstr("n_shared_experts"));
  EXPECT_THAT(error_of(with(llama_moe(), "num_experts", 7)), HasSubstr("7 equal experts"));
  EXPECT_THAT(error_of(with(llama_moe(), "num_selects", 9)), HasSubstr("num_selects"));
  EXPECT_THAT(error_of(with(llama_moe(), "gate_network", "tree")), HasSubstr("gate_network"));
  EXPECT_THAT(error_of(with(llama_moe(), "size_experts", {{1376, 1377}})),
              HasSubstr("key 'size_experts[0][1]'"));
  EXPECT_THAT(error_of(with(mixtral(), "tie_word_embeddings", "no")),
              HasSubstr("tie_word_embeddings"));
}

TEST(ModelConfig, RefusesMoreParametersThanCanBe) {
  json config = with(mixtral(), "hidden_size", 1 << 20);
  config["intermediate_size"] = 1 << 22;
  config["num_hidden_layers"] = 1 << 13;
  config["num_local_experts"] = 1 << 16;
  config["num_attention_heads"] = 1 << 12;
  config["head_dim"] = 1 << 13;
  config["vocab_size"] = 1 << 26;
  EXPECT_THAT(error_of(config), HasSubstr("over 1e16 parameters"));
  config["num_local_experts"] = 2;  // the products fit now, and are still too many
  EXPECT_THAT(error_of(config), HasSubstr("over 1e16 parameters"));
}

TEST(ModelConfig, RefusesUnknownFamilies) {
  EXPECT_THAT(error_of(with(mixtral(), "model_type", "mixtrel")),
              HasSubstr("did you mean 'mixtral'?"));
  EXPECT_THAT(error_of(with(mixtral(), "model_type", "sparsest")), HasSubstr("known: mixtral, "));
  EXPECT_THAT(error_of(with(mixtral(), "model_type", "llama")),
              HasSubstr("'llama' is a family without experts"));
  // Another version is another model: no typing error.
  EXPECT_THAT(error_of(with(mixtral(), "model_type", "deepseek_v9")),
              Not(HasSubstr("did you mean")));
  EXPECT_THAT(error_of(with(mixtral(), "model_type", 7)), HasSubstr("is not a string"));
  EXPECT_THAT(error_of(without(mixtral(), "model_type")), HasSubstr("'model_type' is missing"));
  const json bare = without(mixtral(), "model_type");
  EXPECT_THAT(error_of(with(bare, "architectures", json::array())), HasSubstr("architectures"));
  EXPECT_THAT(error_of(with(bare, "architectures", {"MixtralForCausalLm"})),
              HasSubstr("did you mean 'MixtralForCausalLM'?"));
}

TEST(ModelConfig, RefusesMistakesInOurOwnObject) {
  const auto extended = [](json extension) {
    return with(mixtral(), "mixnet", std::move(extension));
  };
  EXPECT_THAT(error_of(extended(3)), HasSubstr("key 'mixnet'"));
  EXPECT_THAT(error_of(extended({{"placed_expert", 16}})),
              HasSubstr("did you mean 'placed_experts'?"));
  EXPECT_THAT(error_of(extended({{"placed_experts", 1}})), HasSubstr("mixnet.placed_experts"));
  EXPECT_THAT(error_of(extended({{"published_parameters", "47B"}})),
              HasSubstr("mixnet.published_parameters"));
  EXPECT_THAT(error_of(extended({{"title", "two\nlines"}})), HasSubstr("mixnet.title"));
  EXPECT_THAT(error_of(extended({{"source", "\x1b[2J"}})), HasSubstr("mixnet.source"));
  EXPECT_THAT(error_of(extended({{"defaults", {{"dp", 4}}}})), HasSubstr("mixnet.defaults"));
  EXPECT_THAT(error_of(extended({{"defaults", {{"tp", 0}}}})), HasSubstr("mixnet.defaults.tp"));
  EXPECT_THAT(error_of(extended({{"defaults", {{"seq_length", 1e12}}}})),
              HasSubstr("mixnet.defaults.seq_length"));
}

TEST(ModelConfig, ErrorsAreOneLine) {
  const std::string error = error_of(with(mixtral(), "model_type", "a\nb\x1b[31m"));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace mixnet
