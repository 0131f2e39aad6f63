#include "moe/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxGpus = std::int64_t{1} << 22;
constexpr std::int64_t kMaxSequence = std::int64_t{1} << 24;
constexpr std::int64_t kMaxMicroBatch = std::int64_t{1} << 16;
constexpr int kSmallServer = 8;  // GPUs; of larger ones a part may be in use
constexpr std::int64_t kMaxBatch = std::int64_t{1} << 30;  // so that micro-batches fit an int

std::vector<int> divisors(std::int64_t n, std::int64_t limit) {
  std::vector<int> found;
  for (std::int64_t d = 1; d <= std::min(n, limit); ++d) {
    if (n % d == 0) found.push_back(static_cast<int>(d));
  }
  return found;
}

double distance(double wanted, double offered) { return std::abs(std::log2(wanted / offered)); }

/// Largest ep that divides both the experts and the copies of a stage and makes whole servers.
int default_ep(const Model& model, const ParallelPlan& plan) {
  int best = 1;
  for (const int ep : divisors(model.placed_experts, plan.stage_gpus() / plan.expert_tp())) {
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
    plan.global_batch_size = default_global_batch(plan);
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
  const std::int64_t stage = std::int64_t{wanted.gpus_per_server} * wanted.pp;
  const auto add_multiples_of_groups = [&](std::int64_t a, std::int64_t b) {
    if (a * wanted.pp > kMaxGpus || a * wanted.pp * b > kMaxGpus) return;
    const std::int64_t groups = a * b * wanted.pp;
    add_multiples_of(std::lcm(groups, stage));
    add_multiples_of(std::lcm(groups, std::int64_t{wanted.gpus_per_server}));
  };
  add_multiples_of_groups(wanted.tp, wanted.cp);
  add_multiples_of_groups(wanted.expert_tp(), wanted.ep);
  return totals;
}

/// How far `offered` is from `wanted`: the sum of the distances in powers of two. Another number of
/// GPUs weighs most, another batch least.
double plan_distance(const ParallelPlan& wanted, std::int64_t gpus, const ParallelPlan& offered) {
  return distance(wanted.tp, offered.tp) + distance(wanted.cp, offered.cp) +
         distance(wanted.pp, offered.pp) + distance(wanted.ep, offered.ep) +
         distance(wanted.expert_tp(), offered.expert_tp()) +
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

/// Looks for the possible plan that is nearest to one.
class NearestPlan {
 public:
  NearestPlan(const Model& model, const ParallelPlan& wanted, std::int64_t gpus)
      : model_(model), wanted_(wanted), gpus_(gpus) {}

  /// On about as many GPUs. There is one (tp, pp and ep of 1 on whole servers) unless the batch is
  /// too large for any. cp and etp are kept, unless no plan has them: then they are 1 and tp.
  std::optional<ParallelPlan> find() {
    for (const std::int64_t total : totals_near(wanted_, gpus_)) look(total, true);
    if (!best_) {
      for (const std::int64_t total : totals_near(wanted_, gpus_)) look(total, false);
    }
    return best_;
  }

 private:
  void look(std::int64_t total, bool folded) {
    const int cp = folded ? wanted_.cp : 1;
    for (const int tp : divisors(total, std::min<std::int64_t>(total, model_.attention.heads))) {
      if (total / tp % cp != 0) continue;
      for (const int pp : divisors(total / tp / cp, model_.layers)) {
        // An etp that was as tp goes with it.
        const int etp = folded && wanted_.etp > 0 ? wanted_.etp : tp;
        if (total / pp % etp != 0) continue;
        for (const int ep : divisors(model_.placed_experts, total / pp / etp)) {
          ParallelPlan plan = wanted_;
          plan.tp = tp;
          plan.cp = cp;
          plan.pp = pp;
          plan.ep = ep;
          plan.etp = etp == tp ? 0 : etp;
          plan.dp = static_cast<int>(total / tp / cp / pp);
          try_plan(plan, total);
        }
      }
    }
  }

  void try_plan(ParallelPlan plan, std::int64_t total) {
    if (plan.pp == 1) plan.vpp = 1;
    // Of virtual stages, a whole round.
    const std::int64_t quantum = plan.micro_batch_size * plan.dp * (plan.vpp > 1 ? plan.pp : 1);
    const std::int64_t steps = (wanted_.global_batch_size + quantum / 2) / quantum;
    plan.global_batch_size = std::max<std::int64_t>(1, steps) * quantum;
    if (plan.global_batch_size > kMaxBatch || plan_problem(model_, plan, total) ||
        is_too_much(model_, plan)) {
      return;
    }
    const double far = plan_distance(wanted_, gpus_, plan);
    if (far >= best_distance_) return;
    best_distance_ = far;
    best_ = plan;
  }

  const Model& model_;
  const ParallelPlan& wanted_;
  std::int64_t gpus_;
  std::optional<ParallelPlan> best_;
  double best_distance_ = std::numeric_limits<double>::infinity();
};

/// As flags; cp and etp where they are not what they are without their flags.
std::string as_flags(const ParallelPlan& plan) {
  std::string text = fmt::format("--gpus {} --tp {}", plan.world(), plan.tp);
  if (plan.cp != 1) text += fmt::format(" --cp {}", plan.cp);
  if (plan.cp != 1 && plan.cp_comm != CpComm::kP2p) {
    text += fmt::format(" --cp-comm-type {}", to_string(plan.cp_comm));
  }
  text += fmt::format(" --pp {}", plan.pp);
  if (plan.vpp != 1) text += fmt::format(" --vpp {}", plan.vpp);
  text += fmt::format(" --ep {}", plan.ep);
  if (plan.expert_tp() != plan.tp) text += fmt::format(" --etp {}", plan.expert_tp());
  return text + fmt::format(" --micro-batch-size {} --global-batch-size {}", plan.micro_batch_size,
                            plan.global_batch_size);
}

void check_positive(std::string_view flag, std::int64_t value, std::int64_t most) {
  if (value >= 1 && value <= most) return;
  throw Error(flag, fmt::format("{} is out of range", value),
              fmt::format("give a whole number from 1 to {}", most));
}

}  // namespace

std::int64_t default_global_batch(const ParallelPlan& plan) {
  return plan.micro_batch_size * plan.dp * 4 * plan.pp;
}

std::string to_string(const ParallelPlan& plan) {
  return fmt::format(
      "tp {}, {}pp {}, {}ep {}, {}dp {}", plan.tp,
      plan.cp != 1
          ? fmt::format(
                "cp {}{}, ", plan.cp,
                plan.cp_comm != CpComm::kP2p ? fmt::format(" {}", to_string(plan.cp_comm)) : "")
          : "",
      plan.pp, plan.vpp != 1 ? fmt::format("vpp {}, ", plan.vpp) : "", plan.ep,
      plan.expert_tp() != plan.tp ? fmt::format("etp {}, ", plan.expert_tp()) : "", plan.dp);
}

std::string servers_text(const ParallelPlan& plan) {
  const std::string text =
      fmt::format("{} server{}", grouped(plan.servers()), plan.servers() == 1 ? "" : "s");
  if (plan.idle_gpus_per_server() == 0) return text;
  return text +
         fmt::format(", {} of {} GPUs each in use", plan.gpus_per_server, plan.gpus_of_server());
}

namespace {

/// What keeps the experts' mesh from lying over the GPUs of a stage.
std::optional<std::string> expert_mesh_problem(const Model& model, const ParallelPlan& plan) {
  if (!plan.is_folded()) {
    if (plan.dp % plan.ep == 0) return std::nullopt;
    return fmt::format("ep {} does not divide dp {} (= {} GPUs / tp {} / pp {})", plan.ep, plan.dp,
                       plan.world(), plan.tp, plan.pp);
  }
  if (plan.stage_gpus() % plan.group_gpus() != 0) {
    return fmt::format("ep x etp = {} x {} does not divide the {} GPUs (tp x cp x dp) of a stage",
                       plan.ep, plan.expert_tp(), plan.stage_gpus());
  }
  if (model.expert_intermediate % plan.expert_tp() != 0) {
    return fmt::format("etp {} does not divide the experts' width of {}", plan.expert_tp(),
                       model.expert_intermediate);
  }
  if (plan.expert_tp() != plan.tp && std::max(plan.expert_tp(), plan.tp) > plan.gpus_per_server) {
    return fmt::format("tp {} and etp {} differ, and one is larger than a server of {}", plan.tp,
                       plan.expert_tp(), plan.gpus_per_server);
  }
  if (plan.cp > 1 && plan.tp > plan.gpus_per_server) {
    return fmt::format("cp {} with tp {}, which is larger than a server of {}", plan.cp, plan.tp,
                       plan.gpus_per_server);
  }
  if (plan.cp_comm == CpComm::kA2a &&
      model.attention.heads % (std::int64_t{plan.tp} * plan.cp) != 0) {
    return fmt::format("tp x cp = {} x {} does not divide the {} attention heads, as a2a needs",
                       plan.tp, plan.cp, model.attention.heads);
  }
  if (plan.tokens_per_micro_batch() * plan.expert_tp() % (std::int64_t{plan.tp} * plan.cp) != 0) {
    return fmt::format("the {} tokens of a micro-batch cannot be spread over tp x cp = {} x {}",
                       plan.tokens_per_micro_batch(), plan.tp, plan.cp);
  }
  return std::nullopt;
}

std::optional<std::string> batch_problem(const ParallelPlan& plan) {
  const std::int64_t quantum = plan.micro_batch_size * plan.dp;
  if (plan.global_batch_size % quantum != 0) {
    return fmt::format("global batch {} cannot be divided by micro-batch x dp = {} x {} = {}",
                       plan.global_batch_size, plan.micro_batch_size, plan.dp, quantum);
  }
  if (plan.vpp > 1 && plan.micro_batches() % plan.pp != 0) {
    return fmt::format("{} micro-batches are no multiple of pp {}, which vpp needs",
                       plan.micro_batches(), plan.pp);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> plan_problem(const Model& model, const ParallelPlan& plan,
                                        std::int64_t gpus) {
  const std::int64_t least =
      std::min({std::int64_t{plan.tp}, std::int64_t{plan.cp}, std::int64_t{plan.pp},
                std::int64_t{plan.vpp}, std::int64_t{plan.ep}, std::int64_t{plan.expert_tp()},
                std::int64_t{plan.dp}, std::int64_t{plan.gpus_per_server}, plan.micro_batch_size,
                plan.global_batch_size, plan.seq_length, gpus});
  if (least < 1) return fmt::format("{} is not a size: all of a plan's are at least 1", least);
  // "tp x pp", or with cp where there is one.
  const std::int64_t copy = std::int64_t{plan.tp} * plan.cp * plan.pp;
  const bool has_cp = plan.cp != 1;
  if (gpus % plan.gpus_per_server != 0) {
    return fmt::format("{} GPUs are not whole servers of {}", gpus, plan.gpus_per_server);
  }
  if (gpus < copy || gpus % copy != 0) {
    return fmt::format("{} GPUs cannot be divided by tp x {}pp = {} x {}{} = {}", gpus,
                       has_cp ? "cp x " : "", plan.tp, has_cp ? fmt::format("{} x ", plan.cp) : "",
                       plan.pp, copy);
  }
  if (plan.dp != gpus / copy) {
    return fmt::format("dp {} is not {} GPUs / tp {}{} / pp {} = {}", plan.dp, gpus, plan.tp,
                       has_cp ? fmt::format(" / cp {}", plan.cp) : "", plan.pp, gpus / copy);
  }
  if (plan.vpp > 1 && plan.pp == 1) return "vpp without pipeline stages (pp 1) has nothing to do";
  const int layers = model.layers - model.mtp_layers;
  if (plan.vpp > 1 && std::int64_t{plan.pp} * plan.vpp > layers) {
    return fmt::format("pp x vpp = {} x {} is more than the model's {} layers", plan.pp, plan.vpp,
                       layers);
  }
  if (plan.pp > layers) {
    return fmt::format("pp {} is more than the model's {} layers", plan.pp, layers);
  }
  if (model.attention.heads % plan.tp != 0) {
    return fmt::format("tp {} does not divide the model's {} attention heads", plan.tp,
                       model.attention.heads);
  }
  if (model.placed_experts % plan.ep != 0) {
    return fmt::format("ep {} does not divide the model's {} experts", plan.ep,
                       model.placed_experts);
  }
  if (const auto problem = expert_mesh_problem(model, plan)) return problem;
  const auto fits = [&](std::int64_t group) {
    return group > plan.gpus_per_server ? group % plan.gpus_per_server == 0
                                        : plan.gpus_per_server % group == 0;
  };
  if (!fits(gpus / plan.pp)) {
    return fmt::format("a pipeline stage of {} GPUs is neither whole servers of {} nor divides one",
                       gpus / plan.pp, plan.gpus_per_server);
  }
  if (!fits(plan.group_gpus()) || !fits(plan.tp) || !fits(std::int64_t{plan.tp} * plan.cp)) {
    return fmt::format(
        "an EP group of ep x {} = {} x {} GPUs{} does not fill servers of {}",
        plan.expert_tp() == plan.tp ? "tp" : "etp", plan.ep, plan.expert_tp(),
        has_cp ? fmt::format(", or a tp x cp group of {} x {},", plan.tp, plan.cp) : "",
        plan.gpus_per_server);
  }
  if (plan.seq_length % (std::int64_t{plan.tp} * plan.cp) != 0) {
    return fmt::format("a sequence of {} tokens cannot be divided by tp {}{}", plan.seq_length,
                       plan.tp, has_cp ? fmt::format(" x cp {}", plan.cp) : "");
  }
  return batch_problem(plan);
}

namespace {

/// `plan`, which does not fill its servers, on the largest part of each that it does fill.
std::optional<ParallelPlan> on_part_of_servers(const Model& model, const PlanRequest& request,
                                               ParallelPlan plan) {
  if (plan.gpus_per_server <= kSmallServer) return std::nullopt;
  const bool is_ep_open = !request.ep && model.defaults.ep == 0;
  plan.server_gpus = plan.gpus_per_server;
  while (2 * --plan.gpus_per_server >= plan.server_gpus) {
    if (request.gpus % plan.gpus_per_server != 0) continue;
    if (is_ep_open) plan.ep = default_ep(model, plan);
    if (!plan_problem(model, plan, request.gpus)) return plan;
  }
  return std::nullopt;
}

}  // namespace

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
  plan.cp = request.cp.value_or(1);
  plan.cp_comm = request.cp_comm;
  plan.pp = given_or(request.pp, preset.pp, 1);
  plan.vpp = request.vpp.value_or(1);
  plan.etp = request.etp.value_or(0);
  plan.micro_batch_size =
      given_or(request.micro_batch_size, std::int64_t{preset.micro_batch_size}, kDefaultMicroBatch);
  plan.seq_length =
      given_or(request.seq_length, std::int64_t{preset.seq_length}, std::int64_t{4096});
  check_positive("--tp", plan.tp, kMaxGpus);
  check_positive("--cp", plan.cp, kMaxGpus);
  check_positive("--pp", plan.pp, kMaxGpus);
  check_positive("--vpp", plan.vpp, kMaxGpus);
  if (request.etp) check_positive("--etp", plan.etp, kMaxGpus);
  check_positive("--micro-batch-size", plan.micro_batch_size, kMaxMicroBatch);
  check_positive("--seq-length", plan.seq_length, kMaxSequence);
  // Divided one by one, so that nothing overflows.
  plan.dp = static_cast<int>(std::max<std::int64_t>(1, request.gpus / plan.tp / plan.cp / plan.pp));
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
    if (const auto part = on_part_of_servers(model, request, plan)) return *part;
    const auto nearest = NearestPlan(model, plan, request.gpus).find();
    throw Error("parallel plan", *problem,
                nearest ? "nearest possible: " + as_flags(*nearest)
                        : "no plan of this model fits near this number of GPUs");
  }
  return plan;
}

}  // namespace mixnet
