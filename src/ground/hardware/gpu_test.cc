#include "hardware/gpu.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Gpu, NamesComeOldestFirst) {
  EXPECT_THAT(gpu_names(), ElementsAre("a100", "h100", "h800", "mi300x", "h20", "h200", "b200",
                                       "gb200", "gb300"));
}

// The makers' data sheets; the NVLink figure there is the sum of both directions.
TEST(Gpu, PublishedPeaks) {
  const Gpu a100 = find_gpu("a100");
  EXPECT_DOUBLE_EQ(a100.peak_bf16_flops, 312e12);
  EXPECT_DOUBLE_EQ(a100.memory_bytes_per_second, 2.039e12);
  EXPECT_EQ(a100.memory, Bytes{80'000'000'000});
  EXPECT_DOUBLE_EQ(2 * a100.scale_up_bytes_per_second, 600e9);

  const Gpu h100 = find_gpu("h100");
  EXPECT_DOUBLE_EQ(h100.peak_bf16_flops, 989.4e12);
  EXPECT_DOUBLE_EQ(h100.memory_bytes_per_second, 3.35e12);
  EXPECT_DOUBLE_EQ(2 * h100.scale_up_bytes_per_second, 900e9);

  const Gpu b200 = find_gpu("b200");
  EXPECT_DOUBLE_EQ(b200.peak_bf16_flops, 2250e12);
  EXPECT_DOUBLE_EQ(b200.memory_bytes_per_second, 8e12);
  EXPECT_DOUBLE_EQ(2 * b200.scale_up_bytes_per_second, 1800e9);
}

// Two of fp8 for one of bf16, where there is fp8.
TEST(Gpu, Fp8IsTwiceAsFast) {
  EXPECT_EQ(find_gpu("a100").peak_fp8_flops, 0);
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = find_gpu(name);
    if (name == "a100") continue;
    EXPECT_NEAR(gpu.peak_fp8_flops / gpu.peak_bf16_flops, 2, 1e-3) << name;
  }
}

TEST(Gpu, HopperVariantsDifferInOneThingEach) {
  const Gpu h100 = find_gpu("h100");
  const Gpu h800 = find_gpu("h800");
  const Gpu h200 = find_gpu("h200");
  EXPECT_EQ(h800.peak_bf16_flops, h100.peak_bf16_flops);
  EXPECT_EQ(h800.memory_bytes_per_second, h100.memory_bytes_per_second);
  EXPECT_DOUBLE_EQ(2 * h800.scale_up_bytes_per_second, 400e9);
  EXPECT_EQ(h200.peak_bf16_flops, h100.peak_bf16_flops);
  EXPECT_EQ(h200.scale_up_bytes_per_second, h100.scale_up_bytes_per_second);
  EXPECT_DOUBLE_EQ(h200.memory_bytes_per_second, 4.8e12);
}

TEST(Gpu, EveryOneNamesItsSource) {
  for (const std::string& name : gpu_names()) {
    const Gpu gpu = find_gpu(name);
    EXPECT_EQ(gpu.name, name);
    EXPECT_FALSE(gpu.title.empty());
    EXPECT_GT(gpu.source.size(), 20U) << name;
  }
}

TEST(Gpu, CaseDoesNotMatterAndTyposAreMet) {
  EXPECT_EQ(find_gpu("H100").name, "h100");
  try {
    find_gpu("h10");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'h100'? known: a100, h100"));
  }
}

std::string refusal(std::string_view json) {
  try {
    parse_gpus(json, "my.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Gpu, BadFilesAreRefusedByKey) {
  const std::string good =
      R"({"name":"x","source":"s","peak_bf16_tflops":1,"memory_gb_per_second":1,)"
      R"("memory_gb":1,"scale_up_gb_per_second":1})";
  const auto file = [](const std::string& entries) { return R"({"gpus":[)" + entries + "]}"; };
  EXPECT_EQ(refusal(file(good)), "accepted");
  EXPECT_THAT(refusal(file("")), HasSubstr("is empty"));
  EXPECT_THAT(refusal(file(good + "," + good)), HasSubstr("'x' is there twice"));
  EXPECT_THAT(refusal(file(R"({"name":"x","source":"s"})")),
              HasSubstr("key 'peak_bf16_tflops' is missing"));
  for (const char* bad : {"0", "-1", "1e300", "\"1\"", "null"}) {
    std::string entry = good;
    entry.replace(entry.find("\"memory_gb\":1") + 12, 1, bad);
    EXPECT_THAT(refusal(file(entry)), HasSubstr("memory_gb")) << bad;
  }
  EXPECT_THAT(refusal("[]"), HasSubstr("my.json"));
}

}  // namespace
}  // namespace mixnet
