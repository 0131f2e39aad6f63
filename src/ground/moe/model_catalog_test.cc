#include "moe/model_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_of(const std::string& name) {
  try {
    find_model(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A folder of its own for each test, gone afterwards.
class ModelOfUser : public ::testing::Test {
 protected:
  ModelOfUser()
      : folder_(fs::temp_directory_path() /
                ("mixnet_catalog_test." + std::to_string(::getpid()) + "." +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~ModelOfUser() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void copy_preset(const std::string& name, const fs::path& to) const {
    fs::create_directories(to.parent_path());
    fs::copy_file(data_directory() / "models" / (name + ".json"), to);
  }

  fs::path folder_;
};

TEST(ModelCatalog, HoldsThePaperFiveAndFiveMore) {
  EXPECT_EQ(model_names(),
            (std::vector<std::string>{"deepseek-r1", "deepseek-v3", "gpt-oss-120b", "kimi-k2",
                                      "llama-moe", "mixtral-8x22b", "mixtral-8x7b", "olmoe-1b-7b",
                                      "qwen-moe", "qwen3-235b-a22b"}));
}

TEST(ModelCatalog, EveryPresetIsNamedAndSourced) {
  for (const std::string& name : model_names()) {
    const Model model = find_model(name);
    EXPECT_EQ(model.name, name);
    EXPECT_NE(model.title, name) << name;
    EXPECT_THAT(model.source, HasSubstr("config.json")) << name;
    EXPECT_GT(model.published_parameters, 0) << name;
    EXPECT_GT(model.published_active_parameters, 0) << name;
  }
}

TEST(ModelCatalog, DerivedCountsMeetThePublishedOnes) {
  for (const std::string& name : model_names()) {
    const Model model = find_model(name);
    const auto published = static_cast<double>(model.published_parameters);
    EXPECT_NEAR(static_cast<double>(total_parameters(model)), published, 0.02 * published) << name;
    std::int64_t active = active_parameters(model);
    if (model.published_active_without_embedding) {
      active -= std::int64_t{model.vocab} * model.hidden;
    }
    const auto published_active = static_cast<double>(model.published_active_parameters);
    EXPECT_NEAR(static_cast<double>(active), published_active, 0.02 * published_active) << name;
  }
}

// To the last parameter. Totals of Mixtral, Qwen, DeepSeek, gpt-oss and OLMoE are what the weight
// files on HuggingFace add up to (DeepSeek's without its multi-token-prediction layer); the rest,
// and what is active, was summed over the shapes by a script apart from this program.
TEST(ModelCatalog, CountsAreExact) {
  struct Counts {
    std::int64_t total;
    std::int64_t active;
  };
  const std::map<std::string, Counts> expected = {
      {"mixtral-8x7b", {46'702'792'704, 12'879'925'248}},
      {"mixtral-8x22b", {140'620'634'112, 39'152'031'744}},
      {"llama-moe", {6'742'618'112, 3'496'226'816}},
      {"qwen-moe", {14'315'784'192, 2'689'173'504}},
      {"deepseek-r1", {671'026'419'200, 37'552'297'472}},
      {"deepseek-v3", {671'026'419'200, 37'552'297'472}},
      {"kimi-k2", {1'026'408'232'448, 32'861'500'928}},
      {"qwen3-235b-a22b", {235'093'634'560, 22'190'763'520}},
      {"gpt-oss-120b", {116'829'156'672, 5'711'982'912}},
      {"olmoe-1b-7b", {6'919'161'856, 1'282'017'280}},
  };
  for (const std::string& name : model_names()) {
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(total_parameters(find_model(name)), expected.at(name).total) << name;
    EXPECT_EQ(active_parameters(find_model(name)), expected.at(name).active) << name;
  }
}

// The MixNet paper's workloads (section 7), which the presets carry as defaults.
TEST(ModelCatalog, PaperModelsComeWithThePaperPlans) {
  struct Workload {
    const char* name;
    int layers, experts, top_k, ep, tp, pp;
  };
  const Workload workloads[] = {
      {"mixtral-8x7b", 32, 8, 2, 8, 4, 4},    {"mixtral-8x22b", 56, 8, 2, 8, 8, 8},
      {"llama-moe", 32, 16, 4, 16, 1, 4},     {"qwen-moe", 24, 64, 4, 32, 1, 4},
      {"deepseek-r1", 61, 256, 8, 64, 1, 16},
  };
  for (const Workload& workload : workloads) {
    const Model model = find_model(workload.name);
    EXPECT_EQ(model.layers, workload.layers) << workload.name;
    EXPECT_EQ(model.placed_experts, workload.experts) << workload.name;
    EXPECT_EQ(model.top_k, workload.top_k) << workload.name;
    EXPECT_EQ(model.defaults.ep, workload.ep) << workload.name;
    EXPECT_EQ(model.defaults.tp, workload.tp) << workload.name;
    EXPECT_EQ(model.defaults.pp, workload.pp) << workload.name;
    EXPECT_EQ(model.defaults.micro_batch_size, 8) << workload.name;
    EXPECT_EQ(model.defaults.seq_length, 4096) << workload.name;
  }
}

TEST(ModelCatalog, EveryPresetHasAPlanFor1024Gpus) {
  for (const std::string& name : model_names()) {
    const Model model = find_model(name);
    const int tp = model.defaults.tp;
    const int pp = model.defaults.pp;
    const int ep = model.defaults.ep;
    ASSERT_GT(tp * pp * ep, 0) << name;
    EXPECT_LE(pp, model.layers) << name;
    EXPECT_EQ(1024 % (tp * pp), 0) << name;
    EXPECT_EQ(1024 / tp / pp % ep, 0) << name;
    EXPECT_EQ(model.placed_experts % ep, 0) << name;
    EXPECT_EQ(model.attention.heads % tp, 0) << name;
    EXPECT_EQ(ep * tp % 8, 0) << name << ": an EP group fills whole servers of 8";
  }
}

TEST(ModelCatalog, NamesAndTitlesAreTakenHoweverTheyAreWritten) {
  for (const char* name :
       {"mixtral-8x7b", "Mixtral-8x7B", "mixtral_8x7b", "Mixtral 8x7B", "MIXTRAL8X7B"}) {
    EXPECT_EQ(find_model(name).name, "mixtral-8x7b") << name;
  }
  EXPECT_EQ(find_model("qwen1.5-moe-a2.7b").name, "qwen-moe");
  EXPECT_EQ(find_model("OLMoE-1B-7B").name, "olmoe-1b-7b");
  EXPECT_EQ(find_model("KimiK2").name, "kimi-k2");
}

TEST(ModelCatalog, AnUnknownNameGetsASuggestion) {
  EXPECT_THAT(error_of("mixtral-8x7"),
              AllOf(HasSubstr("model 'mixtral-8x7'"), HasSubstr("did you mean 'mixtral-8x7b'?")));
  EXPECT_THAT(error_of("deepseek_r2"), HasSubstr("did you mean 'deepseek-r1'?"));
  EXPECT_THAT(error_of("gpt-5"), HasSubstr("known: deepseek-r1, "));
  EXPECT_THAT(error_of(""), HasSubstr("model ''"));
  EXPECT_THAT(error_of("---"), HasSubstr("model '---'"));
  EXPECT_THAT(error_of("/nowhere/config.json"), HasSubstr("/nowhere/config.json"));
}

TEST_F(ModelOfUser, IsFoundByFileOrFolder) {
  const fs::path model_folder = folder_ / "My-MoE";
  copy_preset("mixtral-8x7b", model_folder / "config.json");
  const Model by_file = find_model((model_folder / "config.json").string());
  const Model by_folder = find_model(model_folder.string());
  const Model by_folder_with_slash = find_model(model_folder.string() + "/");
  EXPECT_EQ(by_file.name, "My-MoE");
  EXPECT_EQ(by_folder.name, "My-MoE");
  EXPECT_EQ(by_folder_with_slash.name, "My-MoE");
  EXPECT_EQ(total_parameters(by_file), total_parameters(find_model("mixtral-8x7b")));
}

TEST_F(ModelOfUser, AFileOfAnotherNameNamesItsModel) {
  copy_preset("olmoe-1b-7b", folder_ / "tiny.json");
  EXPECT_EQ(find_model((folder_ / "tiny.json").string()).name, "tiny");
}

TEST_F(ModelOfUser, BadFilesAreNamedInTheError) {
  EXPECT_THAT(error_of(folder_.string()), HasSubstr("the folder holds no config.json"));
  const fs::path file = folder_ / "config.json";
  write_text_file(file, R"({"model_type": "mixtral", "hidden_size": )");
  EXPECT_THAT(error_of(folder_.string()),
              AllOf(HasSubstr(file.string()), HasSubstr("JSON ends too early")));
  write_text_file(file, "");
  EXPECT_THAT(error_of(file.string()), HasSubstr(file.string()));
}

}  // namespace
}  // namespace mixnet
