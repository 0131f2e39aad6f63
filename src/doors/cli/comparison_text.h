// What commands say of the iteration that they simulate.
#pragma once

#include <string>

#include "compare/comparison.h"

namespace mixnet::cli {

/// Two lines: the model and its plan; routing, policy and fidelity.
std::string describe_job(const Comparison& comparison, const ComparisonRequest& request);

}  // namespace mixnet::cli
