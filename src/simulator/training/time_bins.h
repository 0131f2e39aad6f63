// How many things go on at a time, as means over equal parts of a whole.
//
//     TimeBins bins(Time::seconds(10), 5);
//     bins.add(Time::seconds(1), Time::seconds(4));
//     bins.means();  // 0.5, 1, 0, 0, 0
//
// O(1) an interval. Not thread-safe.
#pragma once

#include <vector>

#include "base/units.h"

namespace mixnet {

class TimeBins {
 public:
  /// total > 0, bins > 0.
  TimeBins(Time total, int bins);

  /// Zero <= start <= end <= total.
  void add(Time start, Time end);
  std::vector<double> means() const;

 private:
  double bin_ps_;
  std::vector<double> parts_;  ///< of bins that are covered in part
  std::vector<std::int64_t>
      begin_whole_;  ///< so many more cover this bin and those behind it whole
};

}  // namespace mixnet
