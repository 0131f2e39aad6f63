// Chrome's trace events (Trace Event Format, JSON Object Format), as ui.perfetto.dev and
// chrome://tracing open them. What they ask for, and what is kept here:
//   * ts and dur are microseconds; written with three decimals, as Perfetto counts nanoseconds.
//     Starts and ends are rounded down alike, so what touched still touches.
//   * Complete events ("X") of one thread nest or follow each other: what overlaps otherwise is put
//     on another track or cut (perfetto issue 4280). So a track has lanes, threads of the same
//     name, and takes as many as it has slices at a time.
//   * Of events that begin together, the outer one comes first.
//   * Processes and threads are named and ordered by metadata events ("M"), counters ("C") belong
//     to a process.
//
//     ChromeTrace trace("my run");
//     const int process = trace.add_process("stage 0");
//     const int compute = trace.add_track(process, "compute");
//     trace.add_slice(compute, "experts", start, end, {{"layer", 3}});
//     write_text_file("trace.json", std::move(trace).finish());
//
// Deterministic. Memory: the text, and 16 bytes a lane. Time: linear in the text, times the
// logarithm of a track's lanes. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace mixnet {

class ChromeTrace {
 public:
  struct Argument {
    std::string_view name;  ///< plain ASCII
    std::int64_t value;
  };

  /// `title` is kept in the file as otherData.
  explicit ChromeTrace(std::string_view title);

  /// Shown in the order in which they are added.
  int add_process(std::string_view name);

  enum class Slices : std::uint8_t { kNest, kFollow };
  /// Likewise, within their process. kNest: one thread, whose slices nest or follow each other.
  /// kFollow: as many as it takes for slices to follow each other on each.
  int add_track(int process, std::string_view name, Slices slices = Slices::kFollow);

  /// Those of a track in the order of their start; of a kNest track, outer before inner. What is
  /// shorter than a nanosecond may be left out.
  void add_slice(int track, std::string_view name, Time start, Time end,
                 std::initializer_list<Argument> arguments = {});

  /// Holds until the counter's next value. In the order of time.
  void add_counter(int process, std::string_view name, Time at, double value);
  /// A counter from zero to `end`, in intervals of one length: of each, its value times `scale`.
  void add_counters(int process, std::string_view name, std::span<const double> values,
                    double scale, Time end);

  std::string finish() &&;

 private:
  struct Track {
    int process = 0;
    std::string name;
    Slices slices = Slices::kFollow;
    std::vector<int> threads;                   ///< of the lanes
    using Busy = std::pair<std::int64_t, int>;  ///< until, lane
    std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
    std::set<int> free;
    std::vector<std::int64_t> open;  ///< ends of the slices around the next one (kNest)
  };

  int lane_for(Track& track, std::int64_t start, std::int64_t end);
  void begin_event();
  void add_name(std::string_view what, int process, int thread, std::string_view name,
                std::int64_t order);

  std::string text_;
  int processes_ = 0;
  int threads_ = 0;
  std::vector<Track> tracks_;
};

}  // namespace mixnet
