#include "moe/model_names.h"

#include <gtest/gtest.h>

namespace mixnet {
namespace {

TEST(ModelNames, VariantsOfOneShapeAreOneModel) {
  for (const char* name : {"mistralai/Mixtral-8x7B-v0.1", "Mixtral-8x7B-Instruct-v0.1",
                           "TheBloke/Mixtral-8x7B-GPTQ", "mixtral_8x7b"}) {
    EXPECT_TRUE(is_variant_of(name, "mixtral-8x7b")) << name;
  }
  EXPECT_TRUE(is_variant_of("deepseek-ai/DeepSeek-V3-0324", "deepseek-v3"));
  EXPECT_TRUE(is_variant_of("Qwen/Qwen3-235B-A22B-Thinking-2507", "qwen3-235b-a22b"));
}

TEST(ModelNames, OtherSizesAndVersionsAreNot) {
  EXPECT_FALSE(is_variant_of("deepseek-ai/DeepSeek-V3.2", "deepseek-v3"));
  EXPECT_FALSE(is_variant_of("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek-r1"));
  EXPECT_FALSE(is_variant_of("Mixtral-8x22B", "mixtral-8x7b"));
  EXPECT_FALSE(is_variant_of("Mixtral", "mixtral-8x7b"));
  EXPECT_FALSE(is_variant_of("", "mixtral-8x7b"));
  EXPECT_FALSE(is_variant_of("x", ""));
}

TEST(ModelNames, FilesAreNamedByThemselvesOrByWhatTheyAreIn) {
  EXPECT_EQ(name_of_file("/models/tuned.json"), "tuned");
  EXPECT_EQ(name_of_file("/models/My-MoE/config.json"), "My-MoE");
  EXPECT_EQ(name_of_file("/models/gpt-oss-20b/original/config.json"), "gpt-oss-20b");
  EXPECT_EQ(name_of_file("/models/Mixtral/params.json"), "Mixtral");
  EXPECT_EQ(name_of_file("/hub/models--mistralai--Mixtral-8x7B-v0.1/snapshots/1a2b/config.json"),
            "Mixtral-8x7B-v0.1");
  EXPECT_EQ(name_of_file("/mine/snapshots/1a2b/config.json"), "1a2b");
  EXPECT_EQ(name_of_file("config.json"), "");
  EXPECT_EQ(name_of_file("./config.json"), "");
}

}  // namespace
}  // namespace mixnet
