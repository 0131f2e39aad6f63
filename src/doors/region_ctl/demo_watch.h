// What the demo sees of its daemon: announcements and alarms, as they come, by two threads.
//
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/env.h"
#include "client/region_client.h"

namespace mixnet::ctl {

struct DemoFigures {
  static constexpr std::size_t kMostLatencies = 10'000;

  std::int64_t phases = 0;
  std::int64_t served = 0;           ///< of these
  std::vector<double> latencies_ms;  ///< from a demand to its topology; the last kMostLatencies
  std::int64_t moved = 0;            ///< circuits that came, one by one
  std::int64_t lit = 0;
  std::int64_t alarms = 0;

  /// Of the latencies; 0: there is none yet. `percent`: up to 100.
  double percentile_ms(int percent) const;
};

class DemoWatch {
 public:
  explicit DemoWatch(RegionClient& daemon);
  DemoWatch(const DemoWatch&) = delete;
  DemoWatch& operator=(const DemoWatch&) = delete;
  /// end().
  ~DemoWatch();

  /// The demand of this phase is about to be reported.
  void begin(std::uint64_t sequence);
  /// Until its topology was announced, for so long at most.
  void wait_served(Duration limit, bool (*interrupted)());
  DemoFigures figures();
  void end();

 private:
  void take(const v1::Topology& topology);

  RegionClient& daemon_;
  std::mutex mutex_;  ///< of what follows
  std::condition_variable changed_;
  DemoFigures figures_;
  std::set<std::tuple<int, int, int, int>> lit_;
  std::uint64_t awaited_ = 0;  ///< the phase that is not served yet; 0: none
  MonotonicTime reported_;
  std::thread topologies_, happenings_;
};

}  // namespace mixnet::ctl
