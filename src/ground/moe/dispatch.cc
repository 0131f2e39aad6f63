#include "moe/dispatch.h"

#include <algorithm>
#include <cmath>

namespace mixnet {
namespace {

constexpr int kTableSteps = 1024;

/// That none of `draws` without replacement is of the `special` among `all`, which need not be
/// whole.
double miss(double special, double all, int draws) {
  double product = 1;
  for (int i = 0; i < draws; ++i) {
    if (all - i <= special) return 0;
    product *= 1 - special / (all - i);
  }
  return product;
}

/// That `hits` of `draws` without replacement are of the `special` among `all`.
double hypergeometric(int all, int special, int draws, int hits) {
  const auto log_choose = [](int n, int k) {
    return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
  };
  if (hits > special || draws - hits > all - special) return 0;
  return std::exp(log_choose(special, hits) + log_choose(all - special, draws - hits) -
                  log_choose(all, draws));
}

}  // namespace

TokenTraffic token_traffic(const Model& model, const DispatchOptions& dispatch, double tokens) {
  return {model.hidden, dispatch.mode,       model.placed_experts,
          model.top_k,  model.expert_groups, model.groups_per_token,
          tokens};
}

DistinctTokens::DistinctTokens(const TokenTraffic& traffic, double local)
    : traffic_(traffic),
      groups_here_(std::max(1.0, std::ceil(local * traffic.groups / traffic.experts - 1e-9))),
      most_copies_(std::clamp(local, 1.0, static_cast<double>(traffic.top_k))) {
  for (int i = 0; i <= kTableSteps; ++i) {
    table_.push_back(exact(static_cast<double>(i) / kTableSteps));
  }
}

double DistinctTokens::exact(double share_of_copies) const {
  const double experts = traffic_.experts;
  const int groups = traffic_.groups;
  const int chosen = traffic_.chosen_groups;
  const double special = share_of_copies * experts;
  if (groups <= 1 || chosen >= groups) return 1 - miss(special, experts, traffic_.top_k);
  const int here = static_cast<int>(groups_here_);
  const double pool = experts * chosen / groups;
  double hit = 0;
  for (int h = 1; h <= std::min(here, chosen); ++h) {
    const double among = std::min(pool, special * h / here);
    hit += hypergeometric(groups, here, chosen, h) * (1 - miss(among, pool, traffic_.top_k));
  }
  return hit;
}

double DistinctTokens::share(double copies) const {
  const double at = std::clamp(copies / traffic_.top_k, 0.0, 1.0) * kTableSteps;
  const auto below = static_cast<std::size_t>(std::min(at, kTableSteps - 1.0));
  const double step = at - static_cast<double>(below);
  const double share = table_[below] + step * (table_[below + 1] - table_[below]);
  // A token has at least one copy at a place that it reaches, and one for each of its experts.
  const double most = std::min(copies, 1.0);
  return std::clamp(share, std::min(copies / most_copies_, most), most);
}

}  // namespace mixnet
