#include "cli/comparison_text.h"

#include <fmt/format.h>

#include "cli/output.h"

namespace mixnet::cli {

std::string describe_job(const Comparison& comparison, const ComparisonRequest& request) {
  const ParallelPlan& plan = comparison.plan;
  return fmt::format(
      "{} on {} {} in {} servers: {}, {} micro-batches of {} x {} tokens\n"
      "routing {}, seed {}; reconfiguration {}{}; all-to-all {}; fidelity {}\n",
      request.model.title.empty() ? request.model.name : request.model.title,
      grouped(static_cast<double>(plan.world())), request.gpu.title, grouped(plan.servers()),
      to_string(plan), plan.micro_batches(), plan.micro_batch_size, plan.seq_length,
      comparison.routing, comparison.seed, comparison.policy,
      request.iteration.reconfiguration != Reconfiguration::kHidden
          ? " " + to_string(request.iteration.reconfiguration_delay)
          : "",
      comparison.ep_split, comparison.fidelity);
}

}  // namespace mixnet::cli
