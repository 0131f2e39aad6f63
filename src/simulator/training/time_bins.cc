#include "training/time_bins.h"

#include <algorithm>
#include <cstddef>

namespace mixnet {

TimeBins::TimeBins(Time total, int bins)
    : bin_ps_(static_cast<double>(total.ps) / bins),
      parts_(static_cast<std::size_t>(bins)),
      begin_whole_(static_cast<std::size_t>(bins) + 1) {}

void TimeBins::add(Time start, Time end) {
  const auto most = static_cast<double>(parts_.size());
  const double from = std::min(static_cast<double>(start.ps) / bin_ps_, most);
  const double to = std::min(static_cast<double>(end.ps) / bin_ps_, most);
  const auto first = std::min(static_cast<std::size_t>(from), parts_.size() - 1);
  const auto last = std::min(static_cast<std::size_t>(to), parts_.size() - 1);
  if (first == last) {
    parts_[first] += to - from;
    return;
  }
  parts_[first] += static_cast<double>(first + 1) - from;
  parts_[last] += to - static_cast<double>(last);
  ++begin_whole_[first + 1];
  --begin_whole_[last];
}

std::vector<double> TimeBins::means() const {
  std::vector<double> means = parts_;
  std::int64_t whole = 0;
  for (std::size_t bin = 0; bin < means.size(); ++bin) {
    whole += begin_whole_[bin];
    means[bin] += static_cast<double>(whole);
  }
  return means;
}

}  // namespace mixnet
