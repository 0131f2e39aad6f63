#include "compare/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/number_text.h"

namespace mixnet {
namespace {

constexpr double kFarOff = 0.15;  // a known error that makes a model no guide

std::string money(double usd) {
  if (usd >= 1e9) return fmt::format("{:.2f} G$", usd / 1e9);
  return usd >= 1e6 ? fmt::format("{:.2f} M$", usd / 1e6) : fmt::format("{:.0f} k$", usd / 1e3);
}

std::string tokens(double count) {
  return count >= 1e9 ? fmt::format("{:.2f} G", count / 1e9) : fmt::format("{:.2f} M", count / 1e6);
}

std::string place(const ComparisonRun& run) {
  return fmt::format("{} at {}", to_string(run.fabric), to_string(run.bandwidth));
}

/// By how much `other` buys less than `best`.
double behind(const ComparisonRun& best, const ComparisonRun& other) {
  return 1 - *other.tokens_per_usd / *best.tokens_per_usd;
}

bool are_tied(const ComparisonRun& one, const ComparisonRun& other) {
  return behind(one, other) <= std::max(known_error(one.fabric), known_error(other.fabric));
}

std::string tie_sentence(const Verdict& found) {
  const ComparisonRun& best = *found.ranked.front();
  std::string others;
  const ComparisonRun* cheapest = &best;  // of those whose model is to be relied on
  for (const ComparisonRun* run : found.tied) {
    others += fmt::format("{}{} ({:.1f} % behind)", others.empty() ? "" : ", ", place(*run),
                          behind(best, *run) * 100);
    const bool is_cheaper = run->cluster->network_usd < cheapest->cluster->network_usd;
    if (is_cheaper && known_error(run->fabric) < kFarOff) cheapest = run;
  }
  std::string sentence =
      fmt::format("A tie with it, as the models are known to be off by as much: {}.", others);
  if (cheapest != &best) {
    sentence += fmt::format(" Of these {} has the cheapest network: {}.", place(*cheapest),
                            money(cheapest->cluster->network_usd));
  }
  return sentence;
}

/// What would put the runner-up first.
std::string flip_sentence(const Verdict& found, const Comparison& comparison) {
  const ComparisonRun& best = *found.ranked[0];
  const ComparisonRun& next = *found.ranked[1];
  std::string sentence =
      fmt::format("Runner-up: {}, {:.1f} % behind", place(next), behind(best, next) * 100);
  const std::optional<double> even = even_server_price(best, next, comparison);
  if (behind(best, next) < 5e-4) return sentence + ": as good.";
  if (!even) return sentence + "; no price of a server would put it first.";
  return sentence + fmt::format("; it would be first if a server cost {} than {} (here: {}).",
                                *even < comparison.server.usd ? "less" : "more", money(*even),
                                money(comparison.server.usd));
}

/// What is known to be off.
std::string error_sentence(const Verdict& found) {
  std::vector<const ComparisonRun*> named = found.tied;
  named.insert(named.end(), found.ranked.begin(), found.ranked.begin() + 2);
  for (const ComparisonRun* run : named) {
    const FabricKind fabric = run->fabric;
    if (known_error(fabric) < kFarOff) continue;
    return fmt::format(
        "Beware: the model of {} is {:.0f} % off published times (median; docs/validation.md).",
        to_string(fabric), known_error(fabric) * 100);
  }
  return {};
}

std::string best_settings_sentence(const Comparison& comparison) {
  const std::vector<ComparisonRun>& better = comparison.mixnet->at_best;
  const auto at =
      std::ranges::find(better, comparison.mixnet->bandwidth, &ComparisonRun::bandwidth);
  if (at == better.end()) return {};
  const auto asked = std::ranges::find_if(comparison.runs, [&](const ComparisonRun& run) {
    return run.fabric == FabricKind::kMixNet && run.bandwidth == at->bandwidth;
  });
  const double less = 1 - at->time.total.to_seconds() / asked->time.total.to_seconds();
  if (less < 0.001) return {};
  return fmt::format(
      "With our best settings (hitless, refined, balanced: the defaults) mixnet at {} would take "
      "{}, {:.1f} % less{}.",
      to_string(at->bandwidth), to_string(at->time.total), less * 100,
      at->tokens_per_usd ? fmt::format(": {} tokens per dollar", tokens(*at->tokens_per_usd)) : "");
}

std::string rewiring_sentence(const MixNetAdvice& mixnet) {
  if (mixnet.rewiring_pays_up_to == Time::zero()) {
    return fmt::format(
        "Setting circuits anew during training gains mixnet at {} {:.1f} % at most here: circuits "
        "that are set once do as well, whatever the switch takes.",
        to_string(mixnet.bandwidth), std::max(0.0, mixnet.rewiring_gain) * 100);
  }
  return fmt::format(
      "Setting circuits anew during training gains mixnet at {} up to {:.1f} %; it pays (1 % or "
      "more) until switch and NICs take about {} together.",
      to_string(mixnet.bandwidth), mixnet.rewiring_gain * 100,
      to_string(mixnet.rewiring_pays_up_to));
}

}  // namespace

bool is_faster(const ComparisonRun& run, const ComparisonRun& other) {
  constexpr double kSame = 0.005;
  const double ratio = run.time.total.to_seconds() / other.time.total.to_seconds();
  if (std::abs(ratio - 1) > kSame) return ratio < 1;
  return run.cluster->total_usd() < other.cluster->total_usd();
}

double known_error(FabricKind fabric) {
  switch (fabric) {
    case FabricKind::kRailOptimized:
      return 0.082;
    case FabricKind::kTopoOpt:
      return 0.28;
    case FabricKind::kOversubFatTree:
      return 0.041;
    case FabricKind::kMixNet:
      return 0.026;
    default:
      return 0.016;
  }
}

Verdict verdict(const Comparison& comparison) {
  Verdict found;
  for (const ComparisonRun& run : comparison.runs) {
    if (run.tokens_per_usd) found.ranked.push_back(&run);
  }
  if (found.ranked.size() < 2) return {};
  std::ranges::stable_sort(found.ranked, [](const ComparisonRun* a, const ComparisonRun* b) {
    return *a->tokens_per_usd > *b->tokens_per_usd;
  });
  for (const ComparisonRun* run : std::span(found.ranked).subspan(1)) {
    if (are_tied(*found.ranked.front(), *run)) found.tied.push_back(run);
  }
  return found;
}

std::optional<double> even_server_price(const ComparisonRun& one, const ComparisonRun& other,
                                        const Comparison& comparison) {
  // time * (servers * price + rest) is the same for both.
  const double servers = comparison.plan.servers();
  const double t = one.time.total.to_seconds();
  const double u = other.time.total.to_seconds();
  const double price = (u * (other.cluster->network_usd + other.cluster->energy_usd) -
                        t * (one.cluster->network_usd + one.cluster->energy_usd)) /
                       (servers * (t - u));
  if (!(price >= 0 && std::isfinite(price))) return std::nullopt;
  return price;
}

std::vector<std::string> advice(const Comparison& comparison) {
  const Verdict found = verdict(comparison);
  if (found.ranked.empty()) return {};
  if (comparison.plan.servers() == 1) {
    return {"One server needs no network between servers: there is nothing to choose."};
  }
  const ComparisonRun& best = *found.ranked.front();
  std::vector<std::string> sentences = {fmt::format(
      "Take {}: {} tokens per dollar of the cluster over {:g} year{}, {} in all, {} of it network.",
      place(best), tokens(*best.tokens_per_usd), comparison.years, comparison.years == 1 ? "" : "s",
      money(best.cluster->total_usd()), money(best.cluster->network_usd))};
  const auto add = [&](std::string sentence) {
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
  };
  if (!found.tied.empty()) add(tie_sentence(found));
  add(flip_sentence(found, comparison));
  const ComparisonRun& fastest = **std::ranges::min_element(
      found.ranked, [](const auto* run, const auto* other) { return is_faster(*run, *other); });
  const double less = 1 - fastest.time.total.to_seconds() / best.time.total.to_seconds();
  if (less > 0.005) {
    add(fmt::format("Where only time counts: {}, {:.1f} % less of it, {} in all.", place(fastest),
                    less * 100, money(fastest.cluster->total_usd())));
  }
  add(error_sentence(found));
  if (comparison.mixnet) {
    add(best_settings_sentence(comparison));
    // Within one server nothing goes over circuits.
    if (comparison.plan.region_servers() > 1) add(rewiring_sentence(*comparison.mixnet));
  }
  return sentences;
}

std::vector<std::string> gaps(const Comparison& comparison, const ComparisonRequest& request) {
  std::vector<std::string> sentences;
  for (const LeftOut& one : comparison.left_out) {
    sentences.push_back(fmt::format(
        "Left out: {}{}. {}", to_string(one.fabric),
        one.bandwidth ? fmt::format(" at {}", to_string(*one.bandwidth)) : "", one.reason));
  }
  if (comparison.unpriced.empty()) return sentences;
  const auto list = [](const std::vector<Bandwidth>& speeds) {
    std::string text;
    for (const Bandwidth speed : speeds) {
      text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(speed));
    }
    return text;
  };
  sentences.push_back(fmt::format("Without costs: {}. {} has prices for {}.",
                                  list(comparison.unpriced), request.prices.input(),
                                  list(request.prices.bandwidths())));
  return sentences;
}

std::vector<std::string> caveats(const Comparison& comparison, const ComparisonRequest& request) {
  constexpr int kLargestPanel = 1008;  // ports of a robotic patch panel (MixNet, table 2)
  constexpr int kLargestSwitch = 576;  // of a piezo switch (the same)
  std::vector<std::string> sentences = {
      "Not looked at: whether another plan (--tp, --pp, --ep) is faster."};
  if (const std::string warning = memory_warning(comparison.memory);
      request.memory.looked_at && !warning.empty()) {
    sentences.insert(sentences.begin(), warning);
  }
  if (const std::string advice = recompute_advice(comparison.memory); !advice.empty()) {
    sentences.insert(sentences.begin(), advice);
  }
  const auto has = [&](FabricKind kind) {
    return std::ranges::find(request.fabrics, kind) != request.fabrics.end() &&
           std::ranges::find(comparison.left_out, kind, &LeftOut::fabric) ==
               comparison.left_out.end();
  };
  const ParallelPlan& plan = comparison.plan;
  if (!comparison.failures.empty()) {
    sentences.push_back(
        "Spare servers are taken to be there whenever one is needed, and are in no price.");
  }
  if (has(FabricKind::kTopoOpt) && plan.servers() > kLargestPanel) {
    sentences.push_back(fmt::format(
        "topoopt: a flat patch panel for {} servers is larger than any that is made ({} ports).",
        grouped(plan.servers()), grouped(kLargestPanel)));
  }
  const int region = plan.group_gpus() / plan.gpus_per_server;
  const int ports = region * request.iteration.network.optical_degree;
  if (has(FabricKind::kMixNet) && ports > kLargestSwitch) {
    sentences.push_back(fmt::format(
        "mixnet: a region of {} servers needs {} ports of one optical switch; the largest that "
        "is made and switches in milliseconds has {}.",
        grouped(region), grouped(ports), grouped(kLargestSwitch)));
  }
  return sentences;
}

}  // namespace mixnet
