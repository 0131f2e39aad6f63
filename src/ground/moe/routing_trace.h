// Replaying the choices that a real gate made, token by token.
//
// The file is CSV with the header `sequence,token,layer,expert0,expert1,...`: one row per token and
// layer, the top-k experts in its last columns. It has as many experts as its highest expert id
// plus one. Rows may stand in any order and rows may be missing (recordings have gaps): a missing
// row is no token in that layer, and missing_rows() counts them against every token of the file in
// every layer.
//
// Replay. The sequence is the unit of time, in the order of its ids. In iteration i the ranks of an
// EP group of size ep draw from the min(S, ep) sequences that start with the i-th (all modulo S,
// the number of sequences). Which one a rank gets is drawn anew for every (iteration, micro-batch,
// replica, rank) from the seed, but is the same in all layers, so that what one layer's load says
// about the next layer's survives. So a long trace is followed in time, and a short one is
// resampled. The counts of that sequence in the layer are scaled up to tokens * top_k. Layer l of
// the model reads layer l modulo the trace's. A sequence without a row in a layer counts with all
// the others' rows there. Experts and top-k are the model's, or the trace is another model's.
//
// Immutable after parsing, so const use is thread-safe. Memory: 4 bytes per sequence, layer and
// expert; counts() costs O(ep * experts).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moe/token_counts.h"

namespace mixnet {

class RoutingTrace {
 public:
  /// `input` names the file in errors. Throws Error on a wrong header, an id that is no whole
  /// number or out of all proportion, one expert twice in a row, one token twice in a layer, or a
  /// layer without rows.
  static RoutingTrace parse(std::string_view text, std::string_view input);

  int sequences() const { return sequences_; }
  int layers() const { return layers_; }
  int experts() const { return experts_; }
  int top_k() const { return top_k_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t tokens() const { return tokens_; }  ///< of all sequences
  std::int64_t missing_rows() const { return missing_rows_; }

  /// Choices of `expert` in the `sequence`-th sequence and `layer`.
  std::int32_t choices(int sequence, int layer, int expert) const {
    return choices_[(static_cast<std::size_t>(sequence) * layers_ + layer) * experts_ + expert];
  }

  /// Throws Error when the trace is of a model with other experts, or another top-k.
  void check_model(int experts, int top_k) const;

  /// Whether it has so few choices that its loads are chance: under kFewChoices for each expert of
  /// a layer.
  bool is_thin() const;
  static constexpr std::int64_t kFewChoices = 8;

  /// Which sequence a rank reads.
  int sequence_of(const RoutingPlace& place, int rank, int ep, std::uint64_t seed) const;

  /// Fills `out`, which has the shape's size. Precondition: check_model() passed for the shape.
  void replay(const RoutingPlace& place, const RoutingShape& shape, std::uint64_t seed,
              TokenCounts& out) const;

 private:
  std::string input_;
  int sequences_ = 0;
  int layers_ = 0;
  int experts_ = 0;
  int top_k_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t tokens_ = 0;
  std::int64_t missing_rows_ = 0;
  std::vector<std::int32_t> choices_;
};

}  // namespace mixnet
