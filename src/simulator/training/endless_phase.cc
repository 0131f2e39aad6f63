#include "training/endless_phase.h"

#include <algorithm>

namespace mixnet {

std::string_view endless_phase(const FabricPhases& phases, Bandwidth nic_rate) {
  const auto endless = [&](const PhaseTime& phase) { return !phase.at(nic_rate).is_finite(); };
  if (std::ranges::any_of(phases.exchanges, [&](const ExchangeTimes& exchange) {
        return endless(exchange.dispatch) || endless(exchange.combine);
      })) {
    return "an all-to-all (EP)";
  }
  if (phases.tensor_gather && endless(phases.tensor_gather->nics)) {
    return "an all-gather of tensor parallelism (TP)";
  }
  if (phases.context && endless(phases.context->nics)) {
    return "an exchange of context parallelism (CP)";
  }
  if (std::ranges::any_of(phases.sends, endless)) return "a send between pipeline stages (PP)";
  if (std::ranges::any_of(phases.gradients, [&](const GradientTimes& gradient) {
        return endless(gradient.dense) || endless(gradient.expert);
      })) {
    return "an all-reduce of gradients (DP)";
  }
  return {};
}

}  // namespace mixnet
