// Circuits for a demand, better than Algorithm 1: aware of both directions of a circuit, of the
// electrical (EPS) NICs that carry what circuits do not, and of splitting a pair over both.
//
// Objective: balanced_time(). Local search. It starts from GreedyAllocator's circuits and aims at a
// time T a few percent below the best so far. A server's violation at T is how many bytes, out or
// in, neither its circuits nor its EPS NICs carry within T; the sum over servers has to become
// zero. A move gives the worst server s one more circuit to a peer t, for which s gives up one to
// some u, and t one to some v, where they have no NIC free; u and v may join what they got back. Of
// all such moves the best is taken; where none helps, a random one is, and the search goes on.
// When T is reached or given up, the next aim is set, closer and closer to the best.
//
// allocate_near() then walks towards circuits that are there already, as far as the completion time
// stays within a tolerance of what it found: ports that do not move stay lit.
//
// Properties (tested): never worse than GreedyAllocator under the same objective; no server has
// more circuits than NICs. Deterministic: the budget counts moves looked at, not time. Cost: O(n^2)
// to start with, O(n + degree^2) a step. A look at a move is about 30 ns. An object is a workspace;
// not thread-safe, one per thread.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "circuits/circuits.h"
#include "circuits/greedy_allocator.h"

namespace mixnet {

class RefinedAllocator {
 public:
  static constexpr std::int64_t kDefaultBudget = 25'000;

  /// `free_nics[s]` OCS and `eps_nics[s]` EPS NICs at server s. `budget`: moves to look at. The
  /// result is valid until the next call. Throws Error as GreedyAllocator does.
  const CircuitCounts& allocate(const ServerDemand& demand, std::span<const int> free_nics,
                                std::span<const int> eps_nics,
                                std::int64_t budget = kDefaultBudget);
  /// Every server with `degree` OCS and `eps_nics` EPS NICs.
  const CircuitCounts& allocate(const ServerDemand& demand, int degree, int eps_nics,
                                std::int64_t budget = kDefaultBudget);

  /// The same, close to `present` circuits (of the same servers): of those, as many are kept as
  /// moves one by one can keep without a time over 1 + `tolerance` times that of allocate().
  const CircuitCounts& allocate_near(const CircuitCounts& present, const ServerDemand& demand,
                                     std::span<const int> free_nics, std::span<const int> eps_nics,
                                     double tolerance = 0, std::int64_t budget = kDefaultBudget);

 private:
  struct Move {
    int s = -1, t = -1;  ///< gain a circuit
    int u = -1, v = -1;  ///< lose theirs to s and t; -1: a free NIC is used
    bool joins = false;  ///< u and v get one
    double change = 0;   ///< of the sum of violations
  };

  /// A change of what is left to the EPS between two servers, each way.
  struct Flow {
    double there, back;
  };
  /// A server that loses a circuit to s (or t) for a move; what can be said before the other is
  /// known.
  struct Giver {
    int server;      ///< -1: nobody, a free NIC is used
    double taker;    ///< change of the violation of s (or t)
    double out, in;  ///< change of what the giver has left
    double itself;   ///< change of its violation, if nothing else befalls it
  };

  void search();
  double lower_bound() const;
  void aim(double time);
  bool reach();
  void restore();
  Move best_move(int s);
  void consider(int s, int t);
  Flow flow(int a, int b, int more) const;
  void list_givers(int server, int other, const Flow& gain, std::vector<Giver>& list) const;
  void list_givers(int s, int t);
  static bool can_join(const Giver& u, const Giver& v) {
    return u.server >= 0 && v.server >= 0 && u.server != v.server;
  }
  double change(const Giver& u, const Giver& v, bool joins) const;
  double violation_after(int s, double out, double in) const;
  void apply(const Move& move);
  void add(int a, int b, int circuits);
  void kick(int s);
  double left(int from, int to, int circuits) const;
  bool keep_one_more(const CircuitCounts& present, int s, int t);

  GreedyAllocator greedy_;
  std::vector<int> same_nics_, same_eps_nics_;
  Matrix<double> bytes_;
  int servers_ = 0;
  std::vector<int> eps_nics_;
  CircuitCounts counts_, best_;
  std::vector<int> free_;                // NICs, by server
  std::vector<std::vector<int>> peers_;  // with circuits, of each server
  double time_ = 0;                      // aimed at, in bytes / NIC rate
  std::vector<double> out_, in_;         // bytes over what time_ allows; below zero: room
  std::vector<std::pair<double, int>> candidates_;
  std::vector<Giver> from_s_, from_t_;
  Move best_of_step_;
  std::int64_t left_ = 0;  // of the budget
  Random random_{1};
  const ServerDemand* demand_ = nullptr;  // during a call
};

}  // namespace mixnet
