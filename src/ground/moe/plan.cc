#include "moe/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxGpus = std::int64_t{1} << 22;
constexpr std::int64_t kMaxSequence = std::int64_t{1} << 24;
constexpr std::int64_t kMaxMicroBatch = std::int64_t{1} << 16;
constexpr std::int64_t kMaxBatch = std::int64_t{1} << 30;  // so that micro-batches fit an int

std::vector<int> divisors(std::int64_t n, std::int64_t limit) {
  std::vector<int> found;
  for (std::int64_t d = 1; d <= std::min(n, limit); ++d) {
    if (n % d == 0) found.push_back(static_cast<int>(d));
  }
  return found;
}

double distance(double wanted, double offered) { return std::abs(std::log2(wanted / offered)); }

/// Largest ep that divides both the experts and dp and makes whole servers.
int default_ep(const Model& model, const ParallelPlan& plan) {
  int best = 1;
  for (const int ep : divisors(model.placed_experts, plan.dp)) {
    ParallelPlan candidate = plan;
    candidate.ep = ep;
    if (!plan_problem(model, candidate, plan.world())) best = ep;
  }
  return best;
}

ParallelPlan with_default_batch(ParallelPlan plan, const PlanRequest& request, const Model& model) {
  if (request.global_batch_size) {
    plan.global_batch_size = *request.global_batch_size;
  } else if (model.defaults.global_batch_size > 0) {
    plan.global_batch_size = model.defaults.global_batch_size;
  } else {
    plan.global_batch_size = plan.micro_batch_size * plan.dp * 4 * plan.pp;
  }
  return plan;
}

/// Numbers of GPUs to look for a plan on: as many as wanted, the whole servers next to it, and what
/// the wanted tp, pp and ep would need.
std::vector<std::int64_t> totals_near(const ParallelPlan& wanted, std::int64_t gpus) {
  std::vector<std::int64_t> totals = {gpus};
  const auto add_multiples_of = [&](std::int64_t block) {
    for (const std::int64_t blocks : {gpus / block, gpus / block + 1}) {
      const std::int64_t total = blocks * block;
      if (total > 0 && total <= kMaxGpus) totals.push_back(total);
    }
  };
  add_multiples_of(wanted.gpus_per_server);
  // Each product is checked before the next, so none can overflow.
  const std::int64_t tp_pp = std::int64_t{wanted.tp} * wanted.pp;
  if (tp_pp > kMaxGpus) return totals;
  const std::int64_t stage = std::int64_t{wanted.gpus_per_server} * wanted.pp;
  add_multiples_of(std::lcm(tp_pp, stage));
  if (tp_pp * wanted.ep <= kMaxGpus) add_multiples_of(std::lcm(tp_pp * wanted.ep, stage));
  return totals;
}

/// How far `offered` is from `wanted`: the sum of the distances in powers of two. Another number of
/// GPUs weighs most, another batch least.
double plan_distance(const ParallelPlan& wanted, std::int64_t gpus, const ParallelPlan& offered) {
  return distance(wanted.tp, offered.tp) + distance(wanted.pp, offered.pp) +
         distance(wanted.ep, offered.ep) +
         3 * distance(static_cast<double>(gpus), static_cast<double>(offered.world())) +
         0.1 * distance(static_cast<double>(wanted.global_batch_size),
                        static_cast<double>(offered.global_batch_size));
}

/// What is decided for each layer and micro-batch takes some 50 us and 3 kB: more than a minute and
/// gigabytes are a slip of the pen.
constexpr std::int64_t kMostPlaces = 1 << 20;

bool is_too_much(const Model& model, const ParallelPlan& plan) {
  return std::int64_t{plan.micro_batches()} * model.layers > kMostPlaces;
}

void check_size(const Model& model, const ParallelPlan& plan) {
  if (!is_too_much(model, plan)) return;
  throw Error(
      "--global-batch-size",
      fmt::format("{} sequences make {} micro-batches a replica, over {} layers: too much to "
                  "simulate",
                  plan.global_batch_size, plan.micro_batches(), model.layers),
      fmt::format("give at most {}, or a larger --micro-batch-size",
                  kMostPlaces / model.layers * plan.micro_batch_size * plan.dp));
}

/// The possible plan on about as many GPUs that is nearest to `wanted`. There is one (tp, pp and ep
/// of 1 on whole servers) unless the batch is too large for any.
std::optional<ParallelPlan> nearest_plan(const Model& model, const ParallelPlan& wanted,
                                         std::int64_t gpus) {
  std::optional<ParallelPlan> best;
  double best_distance = std::numeric_limits<double>::infinity();
  for (const std::int64_t total : totals_near(wanted, gpus)) {
    for (const int tp : divisors(total, std::min<std::int64_t>(total, model.attention.heads))) {
      for (const int pp : divisors(total / tp, model.layers)) {
        for (const int ep : divisors(model.placed_experts, total / tp / pp)) {
          ParallelPlan plan = wanted;
          plan.tp = tp;
          plan.pp = pp;
          plan.ep = ep;
          plan.dp = static_cast<int>(total / tp / pp);
          const std::int64_t quantum = plan.micro_batch_size * plan.dp;
          const std::int64_t steps = (wanted.global_batch_size + quantum / 2) / quantum;
          plan.global_batch_size = std::max<std::int64_t>(1, steps) * quantum;
          if (plan.global_batch_size > kMaxBatch || plan_problem(model, plan, total) ||
              is_too_much(model, plan)) {
            continue;
          }
          const double far = plan_distance(wanted, gpus, plan);
          if (far < best_distance) {
            best_distance = far;
            best = plan;
          }
        }
      }
    }
  }
  return best;
}

void check_positive(std::string_view flag, std::int64_t value, std::int64_t most) {
  if (value >= 1 && value <= most) return;
  throw Error(flag, fmt::format("{} is out of range", value),
              fmt::format("give a whole number from 1 to {}", most));
}

}  // namespace

std::string to_string(const ParallelPlan& plan) {
  return fmt::format("tp {}, pp {}, ep {}, dp {}", plan.tp, plan.pp, plan.ep, plan.dp);
}

LayerRange stage_layers(int layers, int pp, int stage) {
  const int each = layers / pp;
  const int more = layers % pp;
  const int first = stage * each + std::min(stage, more);
  return {first, first + each + (stage < more ? 1 : 0)};
}

LayerRange stage_moe_layers(const Model& model, int pp, int stage) {
  const auto [first, end] = stage_layers(model.layers, pp, stage);
  const auto count = [&model](int layers) {
    return static_cast<int>(std::count(model.is_moe.begin(), model.is_moe.begin() + layers, true));
  };
  return {count(first), count(end)};
}

std::optional<std::string> plan_problem(const Model& model, const ParallelPlan& plan,
                                        std::int64_t gpus) {
  const std::int64_t least =
      std::min({std::int64_t{plan.tp}, std::int64_t{plan.pp}, std::int64_t{plan.ep},
                std::int64_t{plan.dp}, std::int64_t{plan.gpus_per_server}, plan.micro_batch_size,
                plan.global_batch_size, plan.seq_length, gpus});
  if (least < 1) return fmt::format("{} is not a size: all of a plan's are at least 1", least);
  const std::int64_t tp_pp = std::int64_t{plan.tp} * plan.pp;
  if (gpus % plan.gpus_per_server != 0) {
    return fmt::format("{} GPUs are not whole servers of {}", gpus, plan.gpus_per_server);
  }
  if (gpus < tp_pp || gpus % tp_pp != 0) {
    return fmt::format("{} GPUs cannot be divided by tp x pp = {} x {} = {}", gpus, plan.tp,
                       plan.pp, tp_pp);
  }
  if (plan.dp != gpus / tp_pp) {
    return fmt::format("dp {} is not {} GPUs / tp {} / pp {} = {}", plan.dp, gpus, plan.tp, plan.pp,
                       gpus / tp_pp);
  }
  if (plan.pp > model.layers) {
    return fmt::format("pp {} is more than the model's {} layers", plan.pp, model.layers);
  }
  if (model.attention.heads % plan.tp != 0) {
    return fmt::format("tp {} does not divide the model's {} attention heads", plan.tp,
                       model.attention.heads);
  }
  if (model.placed_experts % plan.ep != 0) {
    return fmt::format("ep {} does not divide the model's {} experts", plan.ep,
                       model.placed_experts);
  }
  if (plan.dp % plan.ep != 0) {
    return fmt::format("ep {} does not divide dp {} (= {} GPUs / tp {} / pp {})", plan.ep, plan.dp,
                       gpus, plan.tp, plan.pp);
  }
  if ((gpus / plan.pp) % plan.gpus_per_server != 0) {
    return fmt::format("a pipeline stage of {} GPUs is not whole servers of {}", gpus / plan.pp,
                       plan.gpus_per_server);
  }
  const std::int64_t group = std::int64_t{plan.ep} * plan.tp;
  const bool group_fits = group > plan.gpus_per_server ? group % plan.gpus_per_server == 0
                                                       : plan.gpus_per_server % group == 0;
  const bool tp_fits = plan.tp > plan.gpus_per_server ? plan.tp % plan.gpus_per_server == 0
                                                      : plan.gpus_per_server % plan.tp == 0;
  if (!group_fits || !tp_fits) {
    return fmt::format("an EP group of ep x tp = {} x {} GPUs does not fill servers of {}", plan.ep,
                       plan.tp, plan.gpus_per_server);
  }
  if (plan.seq_length % plan.tp != 0) {
    return fmt::format("a sequence of {} tokens cannot be divided by tp {}", plan.seq_length,
                       plan.tp);
  }
  const std::int64_t quantum = plan.micro_batch_size * plan.dp;
  if (plan.global_batch_size % quantum != 0) {
    return fmt::format("global batch {} cannot be divided by micro-batch x dp = {} x {} = {}",
                       plan.global_batch_size, plan.micro_batch_size, plan.dp, quantum);
  }
  return std::nullopt;
}

ParallelPlan make_plan(const Model& model, const PlanRequest& request) {
  require_simulated(model);
  check_positive("--gpus", request.gpus, kMaxGpus);
  check_positive("--gpus-per-server", request.gpus_per_server, 1024);
  const auto given_or = [](auto given, auto preset, auto otherwise) {
    return given ? *given : preset > 0 ? preset : otherwise;
  };
  const Model::Defaults& preset = model.defaults;
  ParallelPlan plan;
  plan.gpus_per_server = request.gpus_per_server;
  plan.tp = given_or(request.tp, preset.tp, 1);
  plan.pp = given_or(request.pp, preset.pp, 1);
  plan.micro_batch_size =
      given_or(request.micro_batch_size, std::int64_t{preset.micro_batch_size}, std::int64_t{8});
  plan.seq_length =
      given_or(request.seq_length, std::int64_t{preset.seq_length}, std::int64_t{4096});
  check_positive("--tp", plan.tp, kMaxGpus);
  check_positive("--pp", plan.pp, kMaxGpus);
  check_positive("--micro-batch-size", plan.micro_batch_size, kMaxMicroBatch);
  check_positive("--seq-length", plan.seq_length, kMaxSequence);
  const std::int64_t tp_pp = std::int64_t{plan.tp} * plan.pp;
  plan.dp = static_cast<int>(std::max<std::int64_t>(1, request.gpus / tp_pp));
  plan = with_default_batch(plan, request, model);
  if (!request.global_batch_size && plan.global_batch_size > kMaxBatch) {
    throw Error("--micro-batch-size",
                fmt::format("{} on {} replicas makes a global batch of {} sequences",
                            plan.micro_batch_size, plan.dp, plan.global_batch_size),
                fmt::format("give a smaller one, or a --global-batch-size up to {}", kMaxBatch));
  }
  check_positive("--global-batch-size", plan.global_batch_size, kMaxBatch);
  plan.ep = given_or(request.ep, preset.ep, 0);
  if (plan.ep == 0 && !request.ep) plan.ep = default_ep(model, plan);
  check_positive("--ep", plan.ep, kMaxGpus);

  check_size(model, plan);
  if (const auto problem = plan_problem(model, plan, request.gpus)) {
    const auto nearest = nearest_plan(model, plan, request.gpus);
    throw Error("parallel plan", *problem,
                nearest ? fmt::format("nearest possible: --gpus {} --tp {} --pp {} --ep {} "
                                      "--micro-batch-size {} --global-batch-size {}",
                                      nearest->world(), nearest->tp, nearest->pp, nearest->ep,
                                      nearest->micro_batch_size, nearest->global_batch_size)
                        : "no plan of this model fits near this number of GPUs");
  }
  return plan;
}

}  // namespace mixnet
