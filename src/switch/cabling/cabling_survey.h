// A survey of a region's cabling: lights one circuit at a time in the slice and finds NICs that are
// plugged into another position than region.yaml says, fibres that carry nothing, and weak light.
//
//   by frames   each NIC sends, all listen: both fibres of each NIC are found
//   by carrier  which NICs have carrier: the fibre that each hears by
//   by power    each NIC is taken down in turn; the position whose light goes out is where it sends
//               into. Nothing is asked of the NICs but that, and no frame is sent.
// Where the switch can measure power, each way measures it: what comes in at a position, and what a
// lit path loses. Nothing but the switch's and the servers' answers is used.
//
// THE SLICE IS DARK MEANWHILE: circuits that stand are refused, unless `interrupt`; those are put
// back at the end, also after an error; what cannot be is told. (Half a circuit cannot: no change
// asks for one.) NICs that were taken down are set up again by their agents. Cost: one change a
// position, and `settle` after each.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "cabling/cabling.h"
#include "cabling/nic_probe.h"
#include "ocs/optical_switch.h"

namespace mixnet {

enum class SurveyBy { kFrames, kCarrier, kPower };
template <>
struct Names<SurveyBy> {
  static constexpr std::string_view kWhat = "way to survey";
  static constexpr NamedValue<SurveyBy> kTable[] = {
      {"frames", SurveyBy::kFrames}, {"carrier", SurveyBy::kCarrier}, {"power", SurveyBy::kPower}};
};

struct SurveyOptions {
  SurveyBy by = SurveyBy::kFrames;
  bool interrupt = false;
  /// How long after a change a NIC may take until light is up.
  std::chrono::milliseconds settle{1'000};
  std::chrono::milliseconds change_limit{30'000};  ///< for one change of the switch
  double least_dbm = -10;                          ///< weaker is weak
  double most_loss_db = 4;                         ///< of one path through the switch
  std::function<void(std::size_t done, std::size_t of)> progress = nullptr;
  /// Asked every few milliseconds; true ends it with an Error, once all is put back.
  std::function<bool()> is_stopped = nullptr;
};

struct NicFinding {
  std::string name;
  int position = 0;  ///< where it should be
  Plugged found;
  std::optional<double> input_dbm;  ///< what the switch gets of it
  std::optional<double> loss_db;    ///< of the worst path from where it sends
  std::vector<std::string> faults;  ///< in words; none: all well
};

struct SurveyReport {
  std::vector<NicFinding> nics;
  /// Circuits that the switch would not make, and why; and those that are not put back.
  std::vector<std::string> circuits;
  bool ok() const;
};

/// Throws Error (SwitchError, an agent's) when it cannot be carried out: by frames or carrier, not
/// of one NIC alone.
SurveyReport survey_cabling(OpticalSwitch& device, NicProbe& probe, const OpticalNics& nics,
                            const SurveyOptions& options, Env& env = system_env());

}  // namespace mixnet
