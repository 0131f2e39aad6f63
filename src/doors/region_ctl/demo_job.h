// The traffic of a job for the demo: all-to-alls of a Mixture-of-Experts model, made up.
//
// Each layer has popular experts and unpopular ones, on which servers lean to different degrees;
// both drift from one iteration to the next, as they do in training. The backward pass sends the
// same bytes the other way. The same seed gives the same bytes on every machine. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "region/region_messages.h"

namespace mixnet::ctl {

class DemoJob {
 public:
  static constexpr int kLayers = 4;

  DemoJob(int servers, std::uint64_t seed);

  /// The next phase: layers forward, then backward, iteration after iteration.
  DemandReport next();

 private:
  ServerDemand bytes_of(int layer) const;
  void drift(int layer);

  int servers_;
  std::uint64_t seed_;
  std::uint64_t sequence_ = 0;
  std::vector<ServerDemand> leaning_;  ///< by layer: thousandths of a logarithm
};

}  // namespace mixnet::ctl
