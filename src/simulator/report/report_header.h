// What a report says above everything else: of which model, on how many of which GPUs, by which
// plan and batch, by which version of the program and when.
//
// A quantity that is not the same in all runs is said as a range ("EP 8 to 32"), whether an axis of
// the study sets it or it follows from one (a model's own plan).
//
// The day is that of the results, not of the report, so that the same folder gives the same page on
// any day. Pure.
#pragma once

#include <string>
#include <vector>

#include "report/report_folder.h"

namespace mixnet {

struct ReportFact {
  std::string name;
  std::string value;
  bool operator==(const ReportFact&) const = default;
};

/// In the order in which to say them; of what is not known there is none. `gpu`: as people write
/// it, or "".
std::vector<ReportFact> header_facts(const ReportFolder& folder, std::string_view gpu);

/// "2026-11-27", in UTC.
std::string day_of(WallTime time);

/// The time that `text` says, as SOURCE_DATE_EPOCH does (reproducible-builds.org): whole seconds
/// since 1970. Throws Error, naming `input`, when it is none.
WallTime parse_epoch(std::string_view text, std::string_view input);

}  // namespace mixnet
