#include "fabric/gpu_bandwidth.h"

#include <fmt/format.h>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::int64_t kTotalOverNic = 10;
constexpr Bandwidth kMostTotal = Bandwidth::gbps(1'000'000);
constexpr int kMostLanes = 64;

}  // namespace

GpuBandwidth divide_gpu_bandwidth(FabricKind kind, const GpuBandwidthOptions& options,
                                  Bandwidth nic) {
  if (options.optical_lanes < 1 || options.optical_lanes > kMostLanes) {
    throw Error("--optical-lanes", fmt::format("{} is out of range", options.optical_lanes),
                fmt::format("give a whole number from 1 to {}", kMostLanes));
  }
  if (options.total.value_or(nic) > kMostTotal || nic > kMostTotal) {
    throw Error(options.total ? "--gpu-bandwidth" : "--bandwidth",
                fmt::format("{} is out of range", to_string(options.total.value_or(nic))),
                fmt::format("give up to {} a GPU", to_string(kMostTotal)));
  }
  const Bandwidth total = options.total.value_or(nic * kTotalOverNic);
  if (total <= nic) {
    throw Error("--gpu-bandwidth",
                fmt::format("{} a GPU leaves nothing beside its NIC of {}", to_string(total),
                            to_string(nic)),
                "give the sum of Ethernet, scale-up and optical bandwidth, one direction");
  }
  GpuBandwidth parts{.ethernet = nic, .scale_up = {}, .optical = {}};
  const std::int64_t rest = total.bits_per_second - nic.bits_per_second;
  if (kind == FabricKind::kMixNetOpticalIo) {
    parts.optical = options.optical.value_or(Bandwidth{rest / 2});
    if (parts.optical.bits_per_second == 0) {
      throw Error("--optical-io", "0 b/s is no optical I/O",
                  "compare nvl72, which has none, or give a speed");
    }
    if (parts.optical.bits_per_second >= rest) {
      throw Error("--optical-io",
                  fmt::format("{} and a NIC of {} leave no scale-up bandwidth of {} a GPU",
                              to_string(parts.optical), to_string(nic), to_string(total)),
                  "give less, or more --gpu-bandwidth");
    }
  }
  parts.scale_up = {rest - parts.optical.bits_per_second};
  return parts;
}

}  // namespace mixnet
