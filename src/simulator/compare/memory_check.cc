#include "compare/memory_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "memory/fitting_plan.h"

namespace mixnet {
namespace {

constexpr double kGigabyte = 1e9;

/// "61.2": of GB.
std::string gigabytes(std::int64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / kGigabyte);
}

std::string parts_of(const MemoryUse& use, const std::string& recompute) {
  return fmt::format("parameters {}, gradients {}, optimizer {}, activations {} ({}), buffers {}",
                     gigabytes(use.parameters), gigabytes(use.gradients), gigabytes(use.optimizer),
                     gigabytes(use.activations), recompute, gigabytes(use.buffers));
}

std::string recompute_of(const MemoryReport& report) {
  std::string text = fmt::format("recompute {}", to_string(report.recompute));
  if (report.chosen) text += ", the least that fits";
  if (report.smaller_micro_batch > 0) {
    text += fmt::format("; {} with --micro-batch-size {}", to_string(report.smaller_recompute),
                        report.smaller_micro_batch);
  }
  return text;
}

/// "what fits: --pp 8, or --gpus 512". More GPUs where they alone are enough, or nothing else is.
std::string what_fits(const Model& model, const MemoryWish& wish, std::int64_t usable) {
  const auto here = fitting_plan(model, wish, usable, false);
  const auto on_more = fitting_plan(model, wish, usable, true);
  std::string text;
  if (here) text = here->flags;
  const bool alone = on_more && on_more->flags.find("--", 2) == std::string::npos;
  if (on_more && (alone || !here))
    text += fmt::format("{}{}", text.empty() ? "" : ", or ", on_more->flags);
  if (text.empty()) return "no plan fits; --ignore-memory goes on all the same";
  return fmt::format("what fits: {}; --ignore-memory goes on all the same", text);
}

/// Whether nobody said anything about the plan or the batch.
bool is_default(const PlanRequest& plan) {
  return !plan.tp && !plan.cp && !plan.pp && !plan.vpp && !plan.ep && !plan.etp &&
         !plan.micro_batch_size && !plan.global_batch_size && !plan.seq_length;
}

bool has_batch(const Model& model, const PlanRequest& plan) {
  return plan.global_batch_size.has_value() || model.defaults.global_batch_size > 0;
}

/// The plan that was wished for, possible or not, for which memory is sought.
MemoryWish wish_of(const Model& model, const PlanRequest& request, const MemoryOptions& options) {
  MemoryWish wish;
  wish.gpus = request.gpus;
  wish.options = options;
  wish.batch_given = has_batch(model, request);
  ParallelPlan& plan = wish.plan;
  const auto given_or = [](const auto& given, std::int64_t preset, std::int64_t otherwise) {
    return given ? std::int64_t{*given} : preset > 0 ? preset : otherwise;
  };
  const auto size = [&](const std::optional<int>& given, int preset) {
    return static_cast<int>(given_or(given, preset, 1));
  };
  plan.gpus_per_server = request.gpus_per_server;
  plan.tp = size(request.tp, model.defaults.tp);
  plan.cp = size(request.cp, 1);
  plan.pp = size(request.pp, model.defaults.pp);
  plan.vpp = size(request.vpp, 1);
  plan.ep = size(request.ep, model.defaults.ep);
  plan.etp = request.etp.value_or(0);
  plan.micro_batch_size =
      given_or(request.micro_batch_size, model.defaults.micro_batch_size, kDefaultMicroBatch);
  plan.seq_length = given_or(request.seq_length, model.defaults.seq_length, 4096);
  plan.global_batch_size = given_or(request.global_batch_size, model.defaults.global_batch_size, 1);
  return wish;
}

/// `plan` with the largest half (quarter, ...) of its micro-batch, and as many tokens an iteration,
/// that `serves`; nothing where none does.
template <typename Serves>
std::optional<ParallelPlan> with_smaller_micro_batch(const Model& model, ParallelPlan plan,
                                                     Serves&& serves) {
  while (plan.micro_batch_size % 2 == 0) {
    plan.micro_batch_size /= 2;
    if (plan_problem(model, plan, plan.world())) break;
    if (serves(plan)) return plan;
  }
  return std::nullopt;
}

}  // namespace

void refuse_hopeless(const Model& model, const PlanRequest& plan, const Gpu& gpu,
                     const IterationOptions& options, const MemoryRequest& request) {
  if (!request.looked_at || request.ignored || !model.counted_only.empty()) return;
  if (plan.gpus < 1 || plan.gpus_per_server < 1) return;  // make_plan() says so
  MemoryOptions memory = memory_options(options);
  memory.recompute = request.recompute.value_or(memory.recompute);
  const std::int64_t least = least_states(model, memory, plan.gpus);
  const std::int64_t usable = usable_memory(gpu);
  if (least <= usable) return;
  const auto part = [&](int bytes) {
    return gigabytes(total_parameters(model) / plan.gpus * bytes);
  };
  MemoryWish wish = wish_of(model, plan, memory);
  wish.recompute_given = request.recompute.has_value();
  const bool can_search = std::min({wish.plan.tp, wish.plan.cp, wish.plan.pp, wish.plan.vpp,
                                    wish.plan.ep, wish.plan.expert_tp()}) > 0 &&
                          wish.plan.micro_batch_size > 0 && wish.plan.global_batch_size > 0 &&
                          wish.plan.seq_length > 0;
  throw Error(
      "memory",
      fmt::format("{} on {} GPUs needs at least {} GB a GPU on any plan and can have {} of "
                  "{}: parameters {}, gradients {}, optimizer {}, shared out among all",
                  model.title.empty() ? model.name : model.title, plan.gpus, gigabytes(least),
                  gigabytes(usable), gigabytes(gpu.memory.count), part(kBytesPerNumber),
                  part(memory.gradient_bytes), part(kMasterBytes + 2 * memory.moment_bytes)),
      can_search ? what_fits(model, wish, usable) : "give more --gpus");
}

ParallelPlan with_micro_batch_that_fits(const Model& model, const ParallelPlan& plan,
                                        const PlanRequest& wanted, const Gpu& gpu,
                                        const IterationOptions& options,
                                        const MemoryRequest& request) {
  if (wanted.micro_batch_size || !request.looked_at || request.ignored) return plan;
  MemoryOptions memory = memory_options(options);
  const auto fits = [&](const ParallelPlan& one) {
    if (!request.recompute)
      return least_recompute(model, one, memory, usable_memory(gpu)).has_value();
    memory.recompute = *request.recompute;
    return worst_rank(model, one, memory).use.total() <= usable_memory(gpu);
  };
  if (fits(plan)) return plan;
  return with_smaller_micro_batch(model, plan, fits).value_or(plan);
}

MemoryReport check_memory(const Model& model, const ParallelPlan& plan, const PlanRequest& wanted,
                          const Gpu& gpu, const IterationOptions& options,
                          const MemoryRequest& request) {
  MemoryOptions memory = memory_options(options);
  MemoryReport report;
  report.zero = options.zero;
  report.micro_batch = plan.micro_batch_size;
  const std::int64_t own = model.defaults.micro_batch_size;
  const std::int64_t usual = own > 0 ? own : kDefaultMicroBatch;
  if (!wanted.micro_batch_size && usual > plan.micro_batch_size) report.micro_batch_cut = usual;
  report.gpu_bytes = gpu.memory.count;
  report.usable_bytes = usable_memory(gpu);
  if (request.recompute) {
    memory.recompute = *request.recompute;
  } else if (request.looked_at && !request.ignored) {
    const auto least = least_recompute(model, plan, memory, report.usable_bytes);
    report.chosen = least.has_value();
    memory.recompute = least.value_or(Recompute::kFull);
  }
  report.recompute = memory.recompute;
  if (report.chosen && report.recompute != Recompute::kNone) {
    const auto needs_less = [&](const ParallelPlan& smaller) {
      const auto least = least_recompute(model, smaller, memory, report.usable_bytes);
      return least && *least < report.recompute;
    };
    if (const auto smaller = with_smaller_micro_batch(model, plan, needs_less)) {
      report.smaller_micro_batch = smaller->micro_batch_size;
      report.smaller_recompute = *least_recompute(model, *smaller, memory, report.usable_bytes);
    }
  }
  report.worst = worst_rank(model, plan, memory);
  if (report.fits() || !request.looked_at || request.ignored) return report;
  if (is_default(wanted) && !request.recompute) return report;
  const MemoryWish wish = {plan, memory, request.recompute.has_value(), has_batch(model, wanted),
                           plan.world()};
  throw Error(
      "memory",
      fmt::format("a GPU of stage {} needs {} GB and can have {} of {}: {}", report.worst.stage,
                  gigabytes(report.worst.use.total()), gigabytes(report.usable_bytes),
                  gigabytes(report.gpu_bytes), parts_of(report.worst.use, recompute_of(report))),
      what_fits(model, wish, report.usable_bytes));
}

std::string describe_memory(const MemoryReport& report) {
  std::string text = fmt::format("memory of the worst rank: {} GB of {:.0f}: {}",
                                 gigabytes(report.worst.use.total()),
                                 static_cast<double>(report.gpu_bytes) / kGigabyte,
                                 parts_of(report.worst.use, recompute_of(report)));
  if (report.micro_batch_cut > 0) {
    text += fmt::format("; the model's micro-batch of {} would not fit: {} taken",
                        report.micro_batch_cut, report.micro_batch);
  }
  return text;
}

std::string memory_warning(const MemoryReport& report) {
  if (report.fits()) return {};
  return fmt::format(
      "Beware: this does not fit. A GPU of stage {} needs {} GB and can have {} of {} (recompute "
      "{}).",
      report.worst.stage, gigabytes(report.worst.use.total()), gigabytes(report.usable_bytes),
      gigabytes(report.gpu_bytes), to_string(report.recompute));
}

std::string recompute_advice(const MemoryReport& report) {
  if (report.recompute != Recompute::kFull || report.smaller_micro_batch == 0) return {};
  return fmt::format(
      "Full recompute runs every forward pass twice: with --micro-batch-size {} {} is enough, "
      "which "
      "is likely faster on every fabric.",
      report.smaller_micro_batch, to_string(report.smaller_recompute));
}

nlohmann::ordered_json memory_json(const MemoryReport& report) {
  const MemoryUse& use = report.worst.use;
  return {{"fits", report.fits()},
          {"worst_stage", report.worst.stage},
          {"total_bytes", use.total()},
          {"parameters_bytes", use.parameters},
          {"gradients_bytes", use.gradients},
          {"optimizer_bytes", use.optimizer},
          {"activations_bytes", use.activations},
          {"buffers_bytes", use.buffers},
          {"gpu_bytes", report.gpu_bytes},
          {"usable_bytes", report.usable_bytes},
          {"recompute", to_string(report.recompute)},
          {"recompute_chosen", report.chosen},
          {"micro_batch_cut_from", report.micro_batch_cut > 0
                                       ? nlohmann::ordered_json(report.micro_batch_cut)
                                       : nlohmann::ordered_json(nullptr)},
          {"zero", report.zero}};
}

}  // namespace mixnet
