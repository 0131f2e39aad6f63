// What a comparison says to take: of all fabrics and speeds that can be bought, where a dollar of
// the whole cluster (servers, network and electricity over the years) buys most tokens.
//
// A lead that is smaller than what the models are known to be off is no lead, but a tie. Known
// (docs/validation.md): the median error against published iteration times, which are relative to
// the fat-tree's; for that and the over-subscribed one, the error of the fluid against packets.
//
// Pure functions of the comparison; O(runs log runs).
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.h"

namespace mixnet {

/// Share of the iteration by which the model of a fabric is known to be off.
double known_error(FabricKind fabric);

/// Whether to name `run` rather than `other` as the fastest: by time, and where that is the same to
/// half a percent, by the price of the cluster. Both can be bought.
bool is_faster(const ComparisonRun& run, const ComparisonRun& other);

struct Verdict {
  /// Those that can be bought, most tokens per dollar first.
  std::vector<const ComparisonRun*> ranked;
  /// Of these, those behind the first that no known lead sets apart from it.
  std::vector<const ComparisonRun*> tied;
};

/// They point into `comparison`. Nothing where there are fewer than two to choose from.
Verdict verdict(const Comparison& comparison);

/// The price of a server at which both buy as much; nothing where none does.
std::optional<double> even_server_price(const ComparisonRun& one, const ComparisonRun& other,
                                        const Comparison& comparison);

/// What to take, the runner-up, and what would turn that; a sentence each. Empty where there is
/// nothing to choose from.
std::vector<std::string> advice(const Comparison& comparison);

/// What was asked for and is not there, with the reason: fabrics, costs. A sentence each.
std::vector<std::string> gaps(const Comparison& comparison, const ComparisonRequest& request);

/// What the answers leave out, a sentence each.
std::vector<std::string> caveats(const Comparison& comparison, const ComparisonRequest& request);

}  // namespace mixnet
