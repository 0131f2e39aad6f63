// Where token counts come from: one door to every way of deciding what the gates decide.
//
//   uniform      every expert gets the same
//   measured     the MixNet authors' production matrix of Mixtral 8x7B, tiled to the EP degree
//   dynamic      a generator whose loads change over layers, iterations and ranks as real ones do
//   matrix:FILE  a fixed matrix of your own (CSV, between EP ranks or from EP ranks to experts)
//   trace:FILE   choices recorded from a real gate, replayed (CSV, one row per token and layer)
//
// Dropless, unless limited(): then what an expert has no room for is dropped, by rank as
// Megatron-LM drops it, and takes part in no all-to-all.
//
// Counts are a function of (spec, shape, seed, place) alone: any place is computed directly, in any
// order, on any thread, with the same result to the byte on every machine. Every row sums to
// tokens * top_k, where nothing is dropped; dynamic and trace put no more than `tokens` into a
// cell, since top-k picks distinct experts. Formats, semantics and how dynamic was fitted:
// docs/routing.md.
//
// Cost of counts() on one core of a server: dynamic 0.7 us for 8 ranks x 8 experts and 0.1 ms for
// 64 x 256 (6 to 11 ns a cell), the fixed ones a copy; `moe_bench` measures it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "moe/token_counts.h"

namespace mixnet {

/// Cheap to move and to copy; const use is thread-safe.
class RoutingSource {
 public:
  /// Throws Error: "--routing" with a did-you-mean for an unknown spec, the file and the place in
  /// it for a bad file. The shape must be one that make_plan() allows; it is checked all the same.
  static RoutingSource make(std::string_view spec, const RoutingShape& shape, std::uint64_t seed);

  /// The same where EP ranks are all that is known: experts and top-k are a trace's own, else one
  /// expert a rank and two choices (where there are two), which keep generated loads within bounds.
  static RoutingSource make_for_ranks(std::string_view spec, int ep, int layers,
                                      std::int64_t tokens, std::uint64_t seed);

  /// The same where each EP rank sends an expert at most ceil(factor * tokens * top_k / experts)
  /// token copies, `factor` times the mean (Megatron-LM's --moe-expert-capacity-factor). Throws
  /// Error, naming --capacity-factor, unless it is above 0 and at most 1e6.
  RoutingSource limited(double factor) const;

  const RoutingShape& shape() const;

  /// What is odd about it, for people: a trace of very few tokens. Empty: nothing.
  std::string note() const;

  /// Fills `out`, resizing it only when its shape differs. place.layer is below shape.layers.
  void counts(const RoutingPlace& place, TokenCounts& out) const;

  /// False when every place gets the same counts.
  bool varies() const;

  /// The spec as given.
  const std::string& name() const;

 private:
  struct State;
  explicit RoutingSource(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

/// note() of a spec whose model is not known; opens traces alone. Throws Error as make() does.
std::string routing_note(std::string_view spec);

}  // namespace mixnet
