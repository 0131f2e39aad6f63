#include "circuits/refined_allocator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/caller.h"
#include "base/error.h"
#include "circuits/balanced_time.h"

namespace mixnet {
namespace {

constexpr int kCandidates = 6;      // peers that a server may want another circuit to
constexpr double kFirstAim = 0.08;  // below the best time so far
constexpr double kLastAim = 0.0005;
constexpr int kKicks = 12;  // in a row without reaching the aim

}  // namespace

const CircuitCounts& RefinedAllocator::allocate(const ServerDemand& demand, int degree,
                                                int eps_nics, std::int64_t budget) {
  if (degree < 0) throw Error("degree", "is negative", "give the OCS NICs of a server");
  same_nics_.assign(demand.rows(), degree);
  same_eps_nics_.assign(demand.rows(), eps_nics);
  return allocate(demand, same_nics_, same_eps_nics_, budget);
}

const CircuitCounts& RefinedAllocator::allocate(const ServerDemand& demand,
                                                std::span<const int> free_nics,
                                                std::span<const int> eps_nics,
                                                std::int64_t budget) {
  best_ = greedy_.allocate(demand, free_nics);
  if (eps_nics.size() != demand.rows()) {
    throw Error("EPS NICs",
                fmt::format("has {} entries for {} servers", eps_nics.size(), demand.rows()),
                "give one for each server");
  }
  servers_ = static_cast<int>(demand.rows());
  demand_ = &demand;
  eps_nics_.assign(eps_nics.begin(), eps_nics.end());
  bytes_ = Matrix<double>(servers_, servers_);
  counts_ = CircuitCounts(servers_, servers_);
  free_.assign(free_nics.begin(), free_nics.end());
  peers_.resize(servers_);
  for (int s = 0; s < servers_; ++s) {
    for (int t = 0; t < servers_; ++t) {
      bytes_(s, t) = s == t ? 0 : static_cast<double>(demand(s, t));
    }
  }
  restore();
  random_ = Random(1);
  left_ = budget;
  search();
  return best_;
}

const CircuitCounts& RefinedAllocator::allocate_near(const CircuitCounts& present,
                                                     const ServerDemand& demand,
                                                     std::span<const int> free_nics,
                                                     std::span<const int> eps_nics,
                                                     double tolerance, std::int64_t budget) {
  allocate(demand, free_nics, eps_nics, budget);
  restore();
  const double time = balanced_time(demand, best_, eps_nics_);
  if (!std::isfinite(time)) return best_;
  aim(time * (1 + tolerance) * (1 + 1e-12));
  for (int s = 0; s < servers_; ++s) {
    for (int t = s + 1; t < servers_; ++t) {
      while (counts_(s, t) < present(s, t) && keep_one_more(present, s, t)) {
      }
    }
  }
  best_ = counts_;
  return best_;
}

/// Gives s and t back a present circuit, at the cost of ones that are not present, if every server
/// still fits into time_.
bool RefinedAllocator::keep_one_more(const CircuitCounts& present, int s, int t) {
  list_givers(s, t);
  const auto is_new = [&](int a, int b) { return b < 0 || counts_(a, b) > present(a, b); };
  for (const Giver& u : from_s_) {
    for (const Giver& v : from_t_) {
      if (!is_new(s, u.server) || !is_new(t, v.server)) continue;
      // With u and v joined again where they can be, so that no NIC is left idle.
      for (const bool joins : {true, false}) {
        if (joins && !can_join(u, v)) continue;
        if (change(u, v, joins) > 1e-9 * time_) continue;
        apply({s, t, u.server, v.server, joins, 0});
        return true;
      }
    }
  }
  return false;
}

void RefinedAllocator::search() {
  double best_time = balanced_time(*demand_, counts_, eps_nics_);
  const double bound = lower_bound();
  for (double closer = kFirstAim; closer > kLastAim && left_ > 0;) {
    if (best_time <= bound * (1 + 1e-9)) return;
    double goal = best_time * (1 - closer);
    if (!std::isfinite(best_time)) goal = bound * 2;
    aim(std::max(goal, bound));
    left_ -= servers_;
    if (reach()) {
      const double time = balanced_time(*demand_, counts_, eps_nics_);
      if (time < best_time) {
        best_ = counts_;
        best_time = time;
        closer = std::min(kFirstAim, closer * 1.5);
        continue;
      }
    }
    closer /= 2;
    restore();
  }
}

/// No circuits carry a server's bytes faster than all its NICs.
double RefinedAllocator::lower_bound() const {
  double bound = 0;
  for (int s = 0; s < servers_; ++s) {
    double out = 0;
    double in = 0;
    double nics = free_[s] + eps_nics_[s];
    for (int t = 0; t < servers_; ++t) {
      out += bytes_(s, t);
      in += bytes_(t, s);
      nics += counts_(s, t);
    }
    if (nics > 0) bound = std::max(bound, std::max(out, in) / nics);
  }
  return bound;
}

/// Back to the best.
void RefinedAllocator::restore() {
  for (int s = 0; s < servers_; ++s) {
    peers_[s].clear();
    for (int t = 0; t < servers_; ++t) {
      free_[s] += counts_(s, t) - best_(s, t);
      if (best_(s, t) > 0) peers_[s].push_back(t);
    }
  }
  counts_ = best_;
}

/// Bytes that the pair's circuits leave to the EPS.
double RefinedAllocator::left(int from, int to, int circuits) const {
  return std::max(0.0, bytes_(from, to) - circuits * time_);
}

void RefinedAllocator::aim(double time) {
  time_ = time;
  out_.resize(servers_);
  in_.resize(servers_);
  for (int s = 0; s < servers_; ++s) out_[s] = in_[s] = -eps_nics_[s] * time;
  for (int s = 0; s < servers_; ++s) {
    for (int t = 0; t < servers_; ++t) {
      const double rest = left(s, t, counts_(s, t));
      out_[s] += rest;
      in_[t] += rest;
    }
  }
}

/// Makes every server fit into time_, if it can.
bool RefinedAllocator::reach() {
  const double close_enough = 1e-9 * time_;
  int kicks = 0;
  double least = std::numeric_limits<double>::infinity();
  while (left_ > 0) {
    stop_point();
    int worst = -1;
    double most = close_enough;
    double sum = 0;
    for (int s = 0; s < servers_; ++s) {
      const double violation = std::max(out_[s], 0.0) + std::max(in_[s], 0.0);
      sum += violation;
      if (violation > most) {
        most = violation;
        worst = s;
      }
    }
    if (worst < 0) return true;
    if (sum < least * (1 - 1e-3)) {
      least = sum;
      kicks = 0;
    }
    const Move move = best_move(worst);
    if (move.s >= 0 && move.change < -close_enough) {
      apply(move);
      continue;
    }
    if (++kicks > kKicks) return false;
    kick(worst);
  }
  return false;
}

/// How much violation a server's two sides have after they change.
double RefinedAllocator::violation_after(int s, double out, double in) const {
  return std::max(0.0, out_[s] + out) + std::max(0.0, in_[s] + in) - std::max(0.0, out_[s]) -
         std::max(0.0, in_[s]);
}

RefinedAllocator::Move RefinedAllocator::best_move(int s) {
  // Peers whose bytes are left over, the most first, in the directions that are over.
  candidates_.clear();
  for (int t = 0; t < servers_; ++t) {
    if (t == s) continue;
    const int c = counts_(s, t);
    double gain = 0;
    if (out_[s] > 0) gain += left(s, t, c);
    if (in_[s] > 0) gain += left(t, s, c);
    if (gain > 0) candidates_.emplace_back(-gain, t);
  }
  left_ -= 1 + servers_ / 8;
  const std::size_t kept = std::min<std::size_t>(kCandidates, candidates_.size());
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(kept),
                    candidates_.end());
  best_of_step_ = {};
  for (std::size_t i = 0; i < kept; ++i) consider(s, candidates_[i].second);
  return best_of_step_;
}

/// What the pair's circuits leave to the EPS, one circuit more or less, over what they leave now.
RefinedAllocator::Flow RefinedAllocator::flow(int a, int b, int more) const {
  const int c = counts_(a, b);
  return {left(a, b, c + more) - left(a, b, c), left(b, a, c + more) - left(b, a, c)};
}

/// Whose circuits `server` can give up, for one to `other` that changes what it has to send and
/// receive by `gain`: nobody's, when it has a free NIC.
void RefinedAllocator::list_givers(int server, int other, const Flow& gain,
                                   std::vector<Giver>& list) const {
  list.clear();
  if (free_[server] > 0) {
    list.push_back({-1, violation_after(server, gain.there, gain.back), 0, 0, 0});
    return;
  }
  for (const int peer : peers_[server]) {
    if (peer == other) continue;
    const Flow loss = flow(server, peer, -1);
    list.push_back({peer, violation_after(server, gain.there + loss.there, gain.back + loss.back),
                    loss.back, loss.there, violation_after(peer, loss.back, loss.there)});
  }
}

void RefinedAllocator::list_givers(int s, int t) {
  const Flow gain = flow(s, t, 1);
  list_givers(s, t, gain, from_s_);
  list_givers(t, s, {gain.back, gain.there}, from_t_);
}

/// All moves that give s another circuit to t.
void RefinedAllocator::consider(int s, int t) {
  list_givers(s, t);
  for (const Giver& u : from_s_) {
    for (const Giver& v : from_t_) {
      for (const bool joins : {false, true}) {
        if (joins && !can_join(u, v)) continue;
        const double after = change(u, v, joins);
        --left_;
        if (best_of_step_.s < 0 || after < best_of_step_.change) {
          best_of_step_ = {s, t, u.server, v.server, joins, after};
        }
      }
    }
  }
}

/// Of the sum of violations, by a move. Which terms are added in which order decides between moves
/// that are as good but for rounding.
double RefinedAllocator::change(const Giver& u, const Giver& v, bool joins) const {
  double sum = u.taker + v.taker;
  if (joins) {
    const Flow gain = flow(u.server, v.server, 1);
    sum += violation_after(u.server, u.out + gain.there, u.in + gain.back);
    return sum + violation_after(v.server, v.out + gain.back, v.in + gain.there);
  }
  if (u.server == v.server) {
    return u.server < 0 ? sum : sum + violation_after(u.server, u.out + v.out, u.in + v.in);
  }
  if (u.server >= 0) sum += u.itself;
  if (v.server >= 0) sum += v.itself;
  return sum;
}

void RefinedAllocator::apply(const Move& move) {
  if (move.u >= 0) add(move.s, move.u, -1);
  if (move.v >= 0) add(move.t, move.v, -1);
  add(move.s, move.t, 1);
  if (move.joins) add(move.u, move.v, 1);
}

void RefinedAllocator::add(int a, int b, int circuits) {
  for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    const double before = left(from, to, counts_(from, to));
    const double after = left(from, to, counts_(from, to) + circuits);
    out_[from] += after - before;
    in_[to] += after - before;
    free_[from] -= circuits;
    if (circuits > 0 && counts_(from, to) == 0) peers_[from].push_back(to);
    if (circuits < 0 && counts_(from, to) == 1) std::erase(peers_[from], to);
  }
  counts_(a, b) += circuits;
  counts_(b, a) += circuits;
}

/// A random exchange at the worst server: a circuit to any peer that it has bytes for.
void RefinedAllocator::kick(int s) {
  const auto other = [&](int server, int but) {
    if (peers_[server].empty()) return -1;
    const int peer = peers_[server][random_.below(peers_[server].size())];
    return peer == but ? -1 : peer;
  };
  for (int attempt = 0; attempt < 8; ++attempt) {
    --left_;
    const int t = static_cast<int>(random_.below(servers_));
    if (t == s) continue;
    Move move{s, t, -1, -1, false, 0};
    if (free_[s] == 0 && (move.u = other(s, t)) < 0) continue;
    if (free_[t] == 0 && (move.v = other(t, s)) < 0) continue;
    move.joins = move.u >= 0 && move.v >= 0 && move.u != move.v;
    apply(move);
    return;
  }
}

}  // namespace mixnet
