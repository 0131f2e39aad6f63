#include "hardware/gpu_yaml.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "hardware/gpu.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The template of docs/compute.md.
constexpr std::string_view kMine = R"(# my GPU
name: mine
peak_bf16_tflops: 500
peak_fp8_tflops: 1000
memory_gb: 64
memory_gb_per_second: 2000
scale_up_gb_per_second: 300
)";

std::string with(std::string_view old_text, std::string_view new_text) {
  std::string yaml(kMine);
  return yaml.replace(yaml.find(old_text), old_text.size(), new_text);
}

std::string refusal(std::string_view yaml) {
  try {
    parse_gpu_yaml(yaml, "my.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GpuYaml, IsAGpuLikeThoseThatAreBuiltIn) {
  const Gpu gpu = parse_gpu_yaml(kMine, "my.yaml");
  EXPECT_EQ(gpu.name, "mine");
  EXPECT_EQ(gpu.title, "mine");
  EXPECT_THAT(gpu.source, HasSubstr("my.yaml"));
  EXPECT_DOUBLE_EQ(gpu.peak_bf16_flops, 500e12);
  EXPECT_DOUBLE_EQ(gpu.peak_fp8_flops, 1000e12);
  EXPECT_DOUBLE_EQ(gpu.memory_bytes_per_second, 2e12);
  EXPECT_EQ(gpu.memory, Bytes{64'000'000'000});
  EXPECT_DOUBLE_EQ(gpu.scale_up_bytes_per_second, 300e9);
  EXPECT_EQ(parse_gpu_yaml(with("peak_fp8_tflops: 1000\n", ""), "my.yaml").peak_fp8_flops, 0);
}

TEST(GpuYaml, IsFoundByItsPath) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "gpu_yaml_test.yaml";
  std::ofstream(file) << kMine;
  EXPECT_EQ(find_gpu(file.string()).name, "mine");
  std::filesystem::remove(file);
  EXPECT_THROW(find_gpu(file.string()), Error);
}

TEST(GpuYaml, WhatIsWrongIsNamedByLine) {
  EXPECT_THAT(refusal(with("memory_gb:", "memory_bg:")),
              StartsWith("my.yaml:5:1: there is no key 'memory_bg'; did you mean 'memory_gb'?"));
  EXPECT_THAT(refusal(with("500", "500 TFLOPS")),
              StartsWith("my.yaml:3:19: '500 TFLOPS' of 'peak_bf16_tflops' is not a number"));
  EXPECT_THAT(refusal(with("memory_gb: 64\n", "")), HasSubstr("key 'memory_gb' is missing"));
  EXPECT_THAT(refusal(with("64", "64\nmemory_gb: 32")), HasSubstr("'memory_gb' is given twice"));
  EXPECT_THAT(refusal(with("500", "-1")), HasSubstr("peak_bf16_tflops"));
  EXPECT_THAT(refusal(with("500", "0")), HasSubstr("0 is out of range"));
  EXPECT_THAT(refusal(with("500", "1e300")), HasSubstr("out of range"));
  EXPECT_THAT(refusal(with("500", "nan")), HasSubstr("peak_bf16_tflops"));
  EXPECT_THAT(refusal(with("500", "[500]")), HasSubstr("has no plain value"));
  EXPECT_THAT(refusal(with("mine", "\"a\\nb\"")), HasSubstr("has no plain value"));
  EXPECT_THAT(refusal(with("mine", "\"\"")), HasSubstr("name the GPU"));
  EXPECT_THAT(refusal("- a\n"), HasSubstr("describes no GPU"));
  EXPECT_THAT(refusal(""), HasSubstr("describes no GPU"));
  EXPECT_THAT(refusal("name: [\n"), HasSubstr("is not valid YAML"));
  EXPECT_THAT(refusal(std::string(100'000, ' ')), HasSubstr("larger than 64 KiB"));
}

}  // namespace
}  // namespace mixnet
