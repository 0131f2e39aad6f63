#include "fabric/gpu_bandwidth.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace mixnet {
namespace {

using ::testing::HasSubstr;

constexpr Bandwidth kNic = Bandwidth::gbps(800);

TEST(GpuBandwidth, AsPublished) {
  const GpuBandwidth nvl72 = divide_gpu_bandwidth(FabricKind::kNvl72, {}, kNic);
  EXPECT_EQ(nvl72.ethernet, Bandwidth::gbps(800));
  EXPECT_EQ(nvl72.scale_up, Bandwidth::gbps(7200));
  EXPECT_EQ(nvl72.optical, Bandwidth{});
  const GpuBandwidth optical = divide_gpu_bandwidth(FabricKind::kMixNetOpticalIo, {}, kNic);
  EXPECT_EQ(optical.ethernet, Bandwidth::gbps(800));
  EXPECT_EQ(optical.scale_up, Bandwidth::gbps(3600));
  EXPECT_EQ(optical.optical, Bandwidth::gbps(3600));
  // 16 Tb/s: all parts twice as wide.
  const GpuBandwidth twice = divide_gpu_bandwidth(FabricKind::kMixNetOpticalIo, {}, kNic * 2);
  EXPECT_EQ(twice.optical, optical.optical * 2);
  EXPECT_EQ(twice.total(), Bandwidth::gbps(16'000));
}

TEST(GpuBandwidth, PartsAlwaysAddUp) {
  for (const FabricKind kind : {FabricKind::kNvl72, FabricKind::kMixNetOpticalIo}) {
    for (const std::int64_t nic : {1'000'000LL, 999'999'999LL, 400'000'000'000LL}) {
      EXPECT_EQ(divide_gpu_bandwidth(kind, {}, {nic}).total(), Bandwidth{nic} * 10);
      const GpuBandwidthOptions given = {Bandwidth::gbps(8000), Bandwidth{nic / 3}, 1};
      EXPECT_EQ(divide_gpu_bandwidth(kind, given, {nic}).total(), Bandwidth::gbps(8000));
    }
  }
}

TEST(GpuBandwidth, OpticalIoIsOfNoConcernToNvl72) {
  const GpuBandwidthOptions options = {std::nullopt, Bandwidth::gbps(9000), 1};
  EXPECT_EQ(divide_gpu_bandwidth(FabricKind::kNvl72, options, kNic).scale_up,
            Bandwidth::gbps(7200));
}

TEST(GpuBandwidth, ContradictionsNameTheFlag) {
  const auto message = [](const GpuBandwidthOptions& options, Bandwidth nic = kNic) -> std::string {
    try {
      divide_gpu_bandwidth(FabricKind::kMixNetOpticalIo, options, nic);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message({Bandwidth::gbps(800), {}, 4}), HasSubstr("--gpu-bandwidth: 800 Gb/s a GPU"));
  EXPECT_THAT(message({Bandwidth{0}, {}, 4}), HasSubstr("--gpu-bandwidth"));
  EXPECT_THAT(message({Bandwidth::gbps(2'000'000), {}, 4}), HasSubstr("--gpu-bandwidth"));
  EXPECT_THAT(message({}, Bandwidth::gbps(2'000'000)), HasSubstr("--bandwidth"));
  EXPECT_THAT(message({{}, Bandwidth{0}, 4}), HasSubstr("--optical-io: 0 b/s"));
  EXPECT_THAT(message({{}, Bandwidth::gbps(7200), 4}), HasSubstr("leave no scale-up bandwidth"));
  EXPECT_THAT(message({Bandwidth::gbps(801), Bandwidth::gbps(1), 4}), HasSubstr("--optical-io"));
  EXPECT_THAT(message({{}, {}, 0}), HasSubstr("--optical-lanes: 0"));
  EXPECT_THAT(message({{}, {}, 65}), HasSubstr("--optical-lanes: 65"));
  EXPECT_EQ(message({Bandwidth::gbps(8000), Bandwidth::gbps(7199), 64}), "no error");
}

}  // namespace
}  // namespace mixnet
