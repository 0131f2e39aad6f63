#include "demo_job.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace mixnet::ctl {
namespace {

constexpr double kMeanBytes = 4e6;  // of a pair: 4,096 tokens of 4,096 bfloat16 over 8 servers
constexpr double kSpread = 1.1;     // of the logarithm
constexpr double kStays = 0.9;      // of what was, from one iteration to the next

}  // namespace

DemoJob::DemoJob(int servers, std::uint64_t seed)
    : servers_(servers), seed_(seed), leaning_(kLayers, ServerDemand(servers, servers)) {
  for (int layer = 0; layer < kLayers; ++layer) drift(layer);
}

void DemoJob::drift(int layer) {
  Random random(derive_seed(seed_, sequence_, layer));
  const bool is_first = sequence_ == 0;
  for (int to = 0; to < servers_; ++to) {
    const double popular = random.normal();
    for (int from = 0; from < servers_; ++from) {
      const double news = kSpread * (popular + random.normal()) / std::sqrt(2.0);
      std::int64_t& cell = leaning_[layer](from, to);
      const double before = static_cast<double>(cell) / 1'000;
      const double now = is_first ? news : kStays * before + std::sqrt(1 - kStays * kStays) * news;
      cell = std::llround(now * 1'000);
    }
  }
}

ServerDemand DemoJob::bytes_of(int layer) const {
  ServerDemand bytes(servers_, servers_);
  for (int from = 0; from < servers_; ++from) {
    for (int to = 0; to < servers_; ++to) {
      if (from == to) continue;
      const double leaning = static_cast<double>(leaning_[layer](from, to)) / 1'000;
      bytes(from, to) = std::llround(kMeanBytes * std::exp(std::clamp(leaning, -8.0, 8.0)));
    }
  }
  return bytes;
}

DemandReport DemoJob::next() {
  const int place = static_cast<int>(sequence_ % (2 * kLayers));
  const bool backward = place >= kLayers;
  const int layer = backward ? 2 * kLayers - 1 - place : place;
  const auto iteration = static_cast<std::int64_t>(sequence_ / (2 * kLayers));
  if (!backward && iteration > 0) drift(layer);
  ++sequence_;
  DemandReport report{1, {sequence_, iteration, layer, backward}, bytes_of(layer), {}};
  if (backward) {
    for (int from = 0; from < servers_; ++from) {
      for (int to = 0; to < from; ++to) std::swap(report.bytes(from, to), report.bytes(to, from));
    }
  }
  return report;
}

}  // namespace mixnet::ctl
