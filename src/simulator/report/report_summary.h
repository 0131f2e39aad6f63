// What a sweep comes down to, in words: the sentences at the top of a report.
//
// A case is what the points share that differ only in fabric and speed: a model, a degree, a seed.
// A fabric that has one value of an axis only (a fat-tree has no reconfiguration delay) counts in
// all cases of the axis. In a case, speed by speed, the fabrics are compared as `mixnet compare`
// does, by what a dollar of the whole cluster buys (advice.h).
//
// Where seeds are an axis, a case is the mean over its seeds (report_seeds.h), and the summary says
// over how many, and how sure that makes it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/report_folder.h"

namespace mixnet {

struct ReportSummary {
  /// Which fabric, at which speed, and why. Where there is nothing to choose from, what was found.
  std::string headline;
  /// More on it, a sentence each; may be empty.
  std::vector<std::string> reasons;
  /// By case, in the order of the points: its name ("mixtral-8x7b, degree 6") and its advice.
  struct Case {
    std::string name;
    std::string advice;
  };
  std::vector<Case> cases;
};

/// `rows`: at least one. O(cases * fabrics * speeds).
ReportSummary summarize(const SweepHead& sweep, std::span<const ReportRow> rows);

}  // namespace mixnet
