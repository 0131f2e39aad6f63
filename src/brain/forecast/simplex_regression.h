// Least squares over column-stochastic matrices, one record at a time: the mathematics of Copilot.
//
// A record is a pair of load vectors, x before and y after, each >= 0 with sum 1. Wanted is the
// matrix P that best turns the one into the other:
//
//     minimise  F(P) = sum over records i of w_i ||y_i - P x_i||^2  +  r ||P - P_before||^2
//     subject to  P >= 0, every column of P adds up to 1
//
// so that P x is again a load vector, and P(e, f) reads as "the share of f's tokens that goes on to
// e" (MixNet, SIGCOMM 2025, appendix B.1, where SciPy's SLSQP solves it). The records are those of
// a sliding window; the newest has weight 1 and every older one `decay` times the next one's. P
// starts as 1/n everywhere, and P_before is the solution before the newest record: the ridge keeps
// what the records do not speak of as it was. Without it (r = 0) and with fewer records than
// experts, F has many minima, and most of them predict badly.
//
// Solved as the quadratic programme over a product of simplices that it is: accelerated projected
// gradient (Nesterov; momentum starts anew when it points uphill), from the previous solution. The
// step is 1 / (2 (trace + r)), where trace = sum w_i |x_i|^2 bounds the largest eigenvalue and is
// close to it, load vectors being alike. Projection onto a simplex is exact (Newton). Every step
// yields a bound F(P) - F* <= gap, the lesser of that from the best corner of each simplex and that
// from the ridge's convexity; solve() stops once gap <= tolerance * F*, or at an absolute 1e-12 of
// sum w_i |y_i|^2 where F* is next to nothing.
//
// The gradient is 2 (P A - B) with A = sum w x x^T and B = sum w y x^T, kept up to date by one
// rank-one update for a record in and one for a record out. Where the window is at most half the
// experts, it is cheaper computed from the records, and A and B are not kept.
//
// Plain state, no clock, no randomness: the same records give the same P. Not thread-safe; a
// workspace may serve many regressions in turn. Memory: P and the records, with A and B two n x n
// more; the workspace 4 n x n (2 MB for 256). add() costs O(n^2) at most, a step of solve()
// O(n^2 min(window, n)); `control_bench` measures it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/matrix.h"

namespace mixnet {

/// Moves `v` to the nearest point (Euclid) with v >= 0 and sum 1. Exact up to rounding; v is not
/// empty and finite, of moderate size (rounding is against its largest entry). O(n) in practice.
void project_onto_simplex(std::span<double> v);
/// The same. `threshold` is what was taken from every entry last time: a start for this time, which
/// changes the cost and not the result.
void project_onto_simplex(std::span<double> v, double& threshold);

struct SimplexRegressionOptions {
  int window = 32;           ///< records kept, at least 1
  double decay = 0.95;       ///< weight of a record against the next newer one, in (0, 1]
  double ridge = 0.01;       ///< r, >= 0
  double tolerance = 0.005;  ///< of F
  int max_steps = 1000;      ///< a limit for bad cases; P is feasible at any step
};

/// What solve() works in; nothing in it outlives a call. Grows as needed.
struct SimplexWorkspace {
  Matrix<double> before, last, ahead, gradient, residuals;
  std::vector<double> thresholds;
};

class SimplexRegression {
 public:
  /// `size`: length of both load vectors, at least 1. Throws Error on options out of range.
  SimplexRegression(std::size_t size, const SimplexRegressionOptions& options);

  /// Takes the newest record, and drops the oldest when the window is full.
  void add(std::span<const double> x, std::span<const double> y);

  struct Outcome {
    int steps = 0;
    double objective = 0;  ///< F(P)
    double gap = 0;        ///< F(P) - F* is at most this
  };
  /// Makes P the solution for the records held.
  Outcome solve(SimplexWorkspace& work);

  /// y = P x. `y` does not overlap `x`.
  void predict(std::span<const double> x, std::span<double> y) const;

  std::size_t size() const { return size_; }
  std::size_t records() const { return count_; }
  /// P(to, from).
  double weight(std::size_t to, std::size_t from) const { return columns_(from, to); }

 private:
  void change_gram(std::span<const double> x, std::span<const double> y, double weight);
  double evaluate(SimplexWorkspace& work) const;
  double from_records(SimplexWorkspace& work) const;
  double from_gram(SimplexWorkspace& work) const;

  std::size_t size_;
  SimplexRegressionOptions options_;
  bool keeps_gram_;
  double oldest_weight_;  // decay ^ window
  std::size_t next_ = 0;  // where the ring takes the next record
  std::size_t count_ = 0;
  Matrix<double> inputs_;        // ring of x
  Matrix<double> outputs_;       // ring of y
  std::vector<double> weights_;  // of the records in the ring
  Matrix<double> gram_;          // A
  Matrix<double> cross_;         // B transposed
  double output_square_ = 0;     // sum w |y|^2
  double trace_ = 0;             // sum w |x|^2
  Matrix<double> columns_;       // column f of P is row f here, so that a simplex lies in a row
};

}  // namespace mixnet
