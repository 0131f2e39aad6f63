// What happens when in a simulated iteration: spans of time on the tracks of every region, which is
// a pipeline stage of a replica. TrainingJob::record() makes them in the run that gives the
// iteration's time, from the same numbers.
//
//   work       forward or backward of a micro-batch; in it, its layers
//   compute    attention, gate, experts, ...; at the end the optimizer
//   scale-up   TP before and behind an operation; gather and scatter of an all-to-all
//   all-to-all dispatch and combine between servers; before it, the wait for the switch
//   eps        how long the NICs that also carry gradients take part in it (MixNet)
//   switch     lit for a layer, or dark (MixNet)
//   sends      activations or their gradients on the way to the next stage; they occupy nobody
//   gradients  all-reduce over the replicas
//
// Invariants (tested): the last span ends with the iteration. Spans of one track do not overlap,
// but for the layers within a work, and sends. A dark switch carries nothing. The spans of all
// regions add up to the parts of the IterationTime (compute; TP; all-to-alls with gather and
// scatter where these are longer; waits for the switch), where nothing fails under way.
//
// Dark time is as long as the delay of the switch, and where the policy (switch_policy.h) says: it
// begins with the computation that hides it, or ends with the wait for it. In backward it follows
// the layer's last all-to-all, for whichever layer comes next. What of the delay is longer than
// that, and is counted as hidden by the experts' computation nevertheless (docs/iteration.md,
// section 7), is drawn there, as kDarkAsCounted.
//
// After a failure that loses work there is a span kLost up to the new beginning, and then what the
// last attempt did. Work that a failure interrupts stands still (kOutage), and its rest goes on at
// the new pace.
#pragma once

#include <climits>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "training/iteration_time.h"

namespace mixnet {

enum class TimelineTrack : std::uint8_t {
  kWork,
  kCompute,
  kScaleUp,
  kAllToAll,
  kEps,
  kSwitch,
  kSends,
  kGradients
};

template <>
struct Names<TimelineTrack> {
  static constexpr std::string_view kWhat = "track";
  static constexpr NamedValue<TimelineTrack> kTable[] = {
      {"work", TimelineTrack::kWork},        {"compute", TimelineTrack::kCompute},
      {"scale-up", TimelineTrack::kScaleUp}, {"all-to-all", TimelineTrack::kAllToAll},
      {"EPS", TimelineTrack::kEps},          {"switch", TimelineTrack::kSwitch},
      {"sends", TimelineTrack::kSends},      {"gradients", TimelineTrack::kGradients}};
};

enum class TimelinePart : std::uint8_t {
  // Work.
  kMicroBatch,
  kLayer,
  kOutage,
  kLost,
  // Compute.
  kAttention,
  kGate,
  kExperts,
  kSharedExperts,
  kDenseFfn,
  kHead,
  kOptimizer,
  // Scale-up.
  kTensorParallel,
  kGatherScatter,  ///< of an all-to-all
  // All-to-all, EPS.
  kWait,  ///< for the switch
  kDispatch,
  kCombine,
  // Switch.
  kLit,
  kDark,
  kDarkAsCounted,
  kPartlyDark,  ///< hitless: the ports that change
  // Sends, gradients.
  kSend,
  kAllReduce,
  kShards  ///< ZeRO-2 and -3: gathered and scattered, where a pass waits for it
};

template <>
struct Names<TimelinePart> {
  static constexpr std::string_view kWhat = "part";
  static constexpr NamedValue<TimelinePart> kTable[] = {
      {"micro-batch", TimelinePart::kMicroBatch},
      {"layer", TimelinePart::kLayer},
      {"outage", TimelinePart::kOutage},
      {"lost", TimelinePart::kLost},
      {"attention", TimelinePart::kAttention},
      {"gate", TimelinePart::kGate},
      {"experts", TimelinePart::kExperts},
      {"shared experts", TimelinePart::kSharedExperts},
      {"dense FFN", TimelinePart::kDenseFfn},
      {"head", TimelinePart::kHead},
      {"optimizer", TimelinePart::kOptimizer},
      {"TP", TimelinePart::kTensorParallel},
      {"gather, scatter", TimelinePart::kGatherScatter},
      {"wait for switch", TimelinePart::kWait},
      {"dispatch", TimelinePart::kDispatch},
      {"combine", TimelinePart::kCombine},
      {"lit", TimelinePart::kLit},
      {"dark", TimelinePart::kDark},
      {"dark, as counted", TimelinePart::kDarkAsCounted},
      {"partly dark", TimelinePart::kPartlyDark},
      {"send", TimelinePart::kSend},
      {"all-reduce", TimelinePart::kAllReduce},
      {"ZeRO", TimelinePart::kShards}};
};

struct TimelineSpan {
  TimelineTrack track = TimelineTrack::kWork;
  TimelinePart part = TimelinePart::kMicroBatch;
  bool is_backward = false;
  std::int16_t stage = 0;
  std::int32_t replica = 0;
  std::int32_t micro_batch = -1;  ///< -1: none
  std::int32_t layer = -1;        ///< of the model, from 0; -1: none
  Time start, end;

  Time length() const { return end - start; }
  bool operator==(const TimelineSpan&) const = default;
};

struct IterationTimeline {
  IterationTime time;
  int stages = 1;
  int replicas = 1;  ///< of the job
  /// Regions that have spans: those of replica 0 stage by stage, then those of replica 1, ...
  int regions = 0;
  bool has_switch = false;  ///< circuits are switched
  /// By region (replica, then stage), track and start; what contains others comes before them.
  std::vector<TimelineSpan> spans;
};

struct TimelineOptions {
  int regions = INT_MAX;  ///< that have spans, at most
};

/// One pass through one layer.
struct LayerPass {
  int layer = 0;
  int replica = 0;
  int micro_batch = 0;
  bool is_backward = false;
};

/// How busy the regions that have spans were, over the iteration cut into equal bins: the mean
/// share of them that, at a time, ...
struct TimelineUse {
  std::vector<double> compute;     ///< computes
  std::vector<double> scale_up;    ///< uses its scale-up switch
  std::vector<double> all_to_all;  ///< has an all-to-all between servers under way
  std::vector<double> eps;         ///< uses the NICs that carry gradients
  std::vector<double> dark;        ///< has its optical switch dark
};
/// O(spans * log(spans) + bins).
TimelineUse use_of(const IterationTimeline& timeline, int bins);

}  // namespace mixnet
