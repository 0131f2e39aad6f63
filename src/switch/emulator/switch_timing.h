// How long an optical switch takes for a change: from the first request of a movement to its
// answer.
//
//   polatis            piezo, by the number of pairs that move together: mean 41.44 / 42.44 / 46.75
//                      ms, p99 60 / 62 / 68 ms for 1 / 4 / 16 pairs (MixNet's testbed, SIGCOMM '25)
//   none               no time at all: a request is carried out when it is made
//   fixed:25ms         always this
//   sonic:5s           always this: checked against the models, by a device without a bypass
//   sonic-bypass:70ms  this where the request asks for the bypass; checked, 5 s, where it does not
//   FILE               CSV: pairs,mean_ms,p99_ms; pairs rise, and times do not fall with them
//
// Times of a table are log-normal with that mean and p99, both linear in the pairs between two rows
// and by the last slope beyond: with z = 2.3263, ln(p99/mean) = z sigma - sigma^2/2, which has a
// solution up to p99 = 14.9 mean. Values; a draw is pure, O(rows), about 100 ns.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/instant.h"

namespace mixnet {

class SwitchTiming {
 public:
  /// none
  SwitchTiming() = default;
  /// Of a name above, else of a file. `input` names the flag. Throws Error.
  static SwitchTiming parse(std::string_view text, std::string_view input, Env& env = system_env());
  /// Of a file's text.
  static SwitchTiming of_table(std::string_view csv, std::string_view input);
  static SwitchTiming fixed(Duration time);

  /// Nothing takes any time, so requests are not gathered either.
  bool is_none() const { return kind_ == Kind::kNone; }
  /// A request may ask for the unvalidated path (SONiC): a front end refuses it where this is
  /// false.
  bool allows_bypass() const { return kind_ == Kind::kBypass; }

  /// `stream`: derive_seed(seed, movement). `pairs` >= 1.
  Duration draw(int pairs, bool bypass, std::uint64_t stream) const;
  /// How much of that a management layer spends before a port moves: of SONiC's commits all but the
  /// last 25 ms, so that ports are dark no longer than they are on other switches (how long they
  /// are on a real one is not known). A front end waits so long, and has the rest moved.
  Duration before_moving(bool bypass) const;

 private:
  enum class Kind { kNone, kFixed, kBypass, kTable };
  struct Row {
    double pairs = 0;
    double mean_ms = 0;
    double p99_ms = 0;
  };
  /// Mean and p99 at that many pairs.
  Row at(int pairs) const;

  Kind kind_ = Kind::kNone;
  bool is_managed_ = false;
  Duration fixed_;
  std::vector<Row> table_;
};

}  // namespace mixnet
