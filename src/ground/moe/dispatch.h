// How tokens travel to their experts: what of a token leaves its GPU, and how wide.
//
//   copies         plain all-to-all: a copy for each chosen expert (Megatron-LM's alltoall)
//   deduplicated   one for each server that has any of them, which forwards it over the scale-up
//                  network, and there one for each GPU (DeepEP, HybridEP). Combine sums up in the
//                  server and sends as much back.
//
// A gate says how many copies a rank sends to each expert (token_counts.h), not of which tokens.
// How many distinct tokens these are follows from the copies' share of all by drawing a token's
// experts without replacement, among equals: a share p of the copies is p * E of E experts.
//
//   miss = product over i < k of (1 - pE / (E - i))         of a token that has no expert there
//
// Node-limited routing (DeepSeek-V3: 4 of 8 groups) first draws groups, then experts of these only,
// so that a token reaches fewer servers: the mean over how many of the server's groups are chosen.
// Exact for uniform gates, and for a place of one expert. Of a real gate's choices (338 tokens of
// Mixtral 8x7B, 32 layers) over servers of two and four experts, all together are within 1 %, one
// server's in one layer by 4 % in the mean and 19 % at worst: experts that are chosen together
// (tested where the trace is at hand).
//
// Plain values; pure. DistinctTokens costs O(k * groups) a question, or a look into its table.
#pragma once

#include <string_view>
#include <vector>

#include "base/names.h"
#include "moe/model.h"

namespace mixnet {

enum class DispatchMode { kCopies, kDeduplicated };

template <>
struct Names<DispatchMode> {
  static constexpr std::string_view kWhat = "dispatch";
  static constexpr NamedValue<DispatchMode> kTable[] = {
      {"copies", DispatchMode::kCopies},       {"plain", DispatchMode::kCopies},
      {"alltoall", DispatchMode::kCopies},     {"deduplicated", DispatchMode::kDeduplicated},
      {"deepep", DispatchMode::kDeduplicated}, {"hybridep", DispatchMode::kDeduplicated}};
};

/// What one token is on its way; combine is bf16 always.
struct DispatchOptions {
  DispatchMode mode = DispatchMode::kCopies;
  bool is_fp8 = false;  ///< dispatch, and in backward the gradients on the same way

  friend bool operator==(const DispatchOptions&, const DispatchOptions&) = default;
};

/// Of a number dispatched in fp8 to one in bf16: a byte, and a float for each 128 (DeepSeek-V3).
inline constexpr double kFp8DispatchShare = (1 + 4.0 / 128) / 2;
inline double dispatch_share(const DispatchOptions& options) {
  return options.is_fp8 ? kFp8DispatchShare : 1;
}

/// What a DemandMaker has to know of a model's tokens.
struct TokenTraffic {
  int hidden = 1;
  DispatchMode mode = DispatchMode::kCopies;
  int experts = 1;  ///< as placed
  int top_k = 1;
  int groups = 1;         ///< of experts, as the router has them
  int chosen_groups = 1;  ///< that a token's experts are of
  /// Of an EP rank; 0: as many as its copies are of. They are more where copies were dropped.
  double tokens = 0;
};
TokenTraffic token_traffic(const Model& model, const DispatchOptions& dispatch, double tokens = 0);

/// Of the tokens of one rank: how many reach a place that has some of the experts.
class DistinctTokens {
 public:
  /// `local`: experts at the place. All at least 1, top_k and local at most `experts`.
  DistinctTokens(const TokenTraffic& traffic, double local);

  /// The share of tokens that reach the place, where the mean token has `copies` of its top_k
  /// there: from copies / top_k (or / local, if that is less), where they come together, to copies.
  double share(double copies) const;

 private:
  double exact(double share_of_copies) const;

  TokenTraffic traffic_;
  double groups_here_;
  double most_copies_;         ///< of a token
  std::vector<double> table_;  ///< by share of copies
};

}  // namespace mixnet
