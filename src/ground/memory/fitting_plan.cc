#include "memory/fitting_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace mixnet {
namespace {

constexpr Recompute kLeastFirst[] = {Recompute::kNone, Recompute::kSelective, Recompute::kFull};
constexpr std::int64_t kMostGpus = std::int64_t{1} << 20;

bool fits(const Model& model, const ParallelPlan& plan, const MemoryOptions& options,
          std::int64_t usable) {
  return worst_rank(model, plan, options).use.total() <= usable;
}

double steps(double from, double to) { return std::abs(std::log2(from / to)); }

std::vector<int> divisors(std::int64_t n, std::int64_t most) {
  std::vector<int> found;
  for (std::int64_t d = 1; d <= std::min(n, most); ++d) {
    if (n % d == 0) found.push_back(static_cast<int>(d));
  }
  return found;
}

/// Looks through the plans on one number of GPUs.
class Search {
 public:
  Search(const Model& model, const MemoryWish& wish, std::int64_t usable, std::int64_t gpus)
      : model_(model), wish_(wish), usable_(usable), gpus_(gpus) {}

  std::optional<FittingPlan> run() {
    const ParallelPlan& wanted = wish_.plan;
    for (const int tp : divisors(gpus_, wanted.gpus_per_server)) {
      for (const int pp : divisors(gpus_ / tp, model_.layers)) {
        for (const int ep : divisors(model_.placed_experts, gpus_ / pp)) {
          for (std::int64_t batch = wanted.micro_batch_size; batch >= 1; batch /= 2) {
            try_plan(tp, pp, ep, batch);
          }
        }
      }
    }
    if (!found_) return std::nullopt;
    return FittingPlan{gpus_, as_flags()};
  }

 private:
  void try_plan(int tp, int pp, int ep, std::int64_t micro_batch) {
    ParallelPlan plan = wish_.plan;
    plan.tp = tp;
    plan.pp = pp;
    plan.ep = ep;
    plan.micro_batch_size = micro_batch;
    if (gpus_ % (std::int64_t{tp} * plan.cp * pp) != 0) return;
    plan.dp = static_cast<int>(gpus_ / tp / plan.cp / pp);
    if (pp == 1 || pp * plan.vpp > model_.layers) plan.vpp = 1;
    const std::int64_t quantum = micro_batch * plan.dp * (plan.vpp > 1 ? pp : 1);
    if (!wish_.batch_given) {
      plan.global_batch_size = default_global_batch(plan);
    } else if (plan.global_batch_size % quantum != 0) {
      plan.global_batch_size =
          std::max<std::int64_t>(1, plan.global_batch_size / quantum) * quantum;
    }
    const double far = distance(plan);
    if (far >= distance_ || plan_problem(model_, plan, gpus_)) return;
    for (int zero = wish_.options.zero; zero <= 3; ++zero) {
      for (const Recompute recompute : kLeastFirst) {
        if (recompute < wish_.options.recompute && wish_.recompute_given) continue;
        try_options(plan, far, zero, recompute);
      }
    }
  }

  void try_options(const ParallelPlan& plan, double far, int zero, Recompute recompute) {
    constexpr double kOfZero = 0.9;  // to try it is less than another layout
    MemoryOptions options = wish_.options;
    options.zero = zero;
    options.recompute = recompute;
    far += kOfZero * (zero - wish_.options.zero);
    if (wish_.recompute_given) {
      far += 0.5 * (static_cast<int>(recompute) - static_cast<int>(wish_.options.recompute));
    }
    if (far >= distance_ || !fits(model_, plan, options, usable_)) return;
    distance_ = far;
    found_ = true;
    plan_ = plan;
    options_ = options;
  }

  double distance(const ParallelPlan& plan) const {
    const ParallelPlan& wanted = wish_.plan;
    return steps(wanted.tp, plan.tp) + steps(wanted.pp, plan.pp) + steps(wanted.ep, plan.ep) +
           steps(wanted.vpp, plan.vpp) +
           0.8 * steps(static_cast<double>(wanted.micro_batch_size),
                       static_cast<double>(plan.micro_batch_size)) +
           (wish_.batch_given ? 0.1 : 0) * steps(static_cast<double>(wanted.global_batch_size),
                                                 static_cast<double>(plan.global_batch_size));
  }

  /// Of what is not as it was wished.
  std::string as_flags() const {
    const ParallelPlan& wanted = wish_.plan;
    std::string text;
    const auto add = [&](const char* flag, std::int64_t from, std::int64_t to) {
      if (from != to) text += fmt::format("{}{} {}", text.empty() ? "" : " ", flag, to);
    };
    add("--gpus", wish_.gpus, gpus_);
    add("--tp", wanted.tp, plan_.tp);
    add("--pp", wanted.pp, plan_.pp);
    add("--vpp", wanted.vpp, plan_.vpp);
    add("--ep", wanted.ep, plan_.ep);
    add("--micro-batch-size", wanted.micro_batch_size, plan_.micro_batch_size);
    if (wish_.batch_given)
      add("--global-batch-size", wanted.global_batch_size, plan_.global_batch_size);
    add("--zero", wish_.options.zero, options_.zero);
    if (wish_.recompute_given && options_.recompute != wish_.options.recompute) {
      text +=
          fmt::format("{}--recompute {}", text.empty() ? "" : " ", to_string(options_.recompute));
    }
    return text;
  }

  const Model& model_;
  const MemoryWish& wish_;
  std::int64_t usable_;
  std::int64_t gpus_;
  bool found_ = false;
  ParallelPlan plan_;
  MemoryOptions options_;
  double distance_ = std::numeric_limits<double>::infinity();
};

}  // namespace

std::optional<Recompute> least_recompute(const Model& model, const ParallelPlan& plan,
                                         MemoryOptions options, std::int64_t usable) {
  for (const Recompute recompute : kLeastFirst) {
    options.recompute = recompute;
    if (fits(model, plan, options, usable)) return recompute;
  }
  return std::nullopt;
}

std::int64_t least_states(const Model& model, const MemoryOptions& options, std::int64_t gpus) {
  const std::int64_t bytes =
      kBytesPerNumber + options.gradient_bytes + kMasterBytes + 2 * options.moment_bytes;
  // Experts that a study adds to divide evenly are no parameters of the model's.
  return total_parameters(model) / gpus * bytes;
}

std::optional<FittingPlan> fitting_plan(const Model& model, const MemoryWish& wish,
                                        std::int64_t usable, bool more_gpus) {
  if (!more_gpus) return Search(model, wish, usable, wish.gpus).run();
  for (std::int64_t gpus = 2 * wish.gpus; gpus <= kMostGpus; gpus *= 2) {
    if (least_states(model, wish.options, gpus) > usable) continue;
    if (const auto found = Search(model, wish, usable, gpus).run()) return found;
  }
  return std::nullopt;
}

}  // namespace mixnet
