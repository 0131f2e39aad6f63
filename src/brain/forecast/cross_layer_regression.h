// What a layer will do, from what the layers before it did in the same iteration: the iterations
// (or ranks) of the past that look most like this one so far are put together to fit it, and the
// same combination of what they did in the layer is the forecast.
//
// A record holds one row of E numbers for every layer. Let c_i,m be record i's row in layer m less
// the mean of all records, and x_m likewise the row that is being forecast. Kernel ridge regression
// with the layers before l as features:
//
//     K_ij = sum over m < l of <c_i,m, c_j,m>        k_i = sum over m < l of <c_i,m, x_m>
//     a = (K + r * (mean of K's diagonal) * I)^-1 k  forecast of layer l = mean + sum a_i c_i,l
//
// That is the ridge regression of this layer on all numbers of all layers before it, of which there
// are far more than records. It finds what layers have in common (topics of the text, say) without
// being told how many such things there are.
//
// Every iteration has the same number of rows, 1 or more (one a rank, say): `records` of them are
// kept, those of the newest iterations; where there are more rows than that, others in turn.
//
// Plain state, no clock, no randomness: the same rows give the same forecasts. Not thread-safe.
// Memory: layers * records * E. Cost of predict() and observe() together, with n records and R
// rows: O(n^3 / 3 + n E (n + 2 R)).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/matrix.h"

namespace mixnet {

struct CrossLayerOptions {
  int records = 32;    ///< 1 to 1000
  double ridge = 0.2;  ///< r, above 0
};

class CrossLayerRegression {
 public:
  /// `start`: the mean while there are no records. Throws Error on sizes below 1 or options out of
  /// range.
  CrossLayerRegression(std::size_t layers, std::size_t rows, std::size_t size, double start,
                       const CrossLayerOptions& options = {});

  /// How the next layer's rows will differ from mean(). 0 with less than two records, and in layer
  /// 0. Entries of the sum of both may be below 0; it adds up to what the records add up to.
  Matrix<double> predict();
  /// Of the records' rows in the next layer.
  std::span<const double> mean() const { return mean_[layer_]; }

  /// The next layer's rows: layers come in their order, again and again.
  void observe(const Matrix<double>& rows);

  std::size_t records() const { return count_; }

 private:
  void add_products(const Matrix<double>& rows);
  void keep_iteration();

  std::size_t rows_;
  std::size_t size_;
  std::size_t capacity_;
  double ridge_;
  std::size_t layer_ = 0;      // the next
  std::size_t count_ = 0;      // records
  std::size_t next_ = 0;       // where the ring takes the next record
  std::size_t first_row_ = 0;  // of those that the next iteration leaves
  // By layer. Records are columns, so that sums over pairs of them run along rows.
  std::vector<Matrix<double>> centred_;    // size x capacity
  std::vector<std::vector<double>> mean_;  // size
  std::vector<Matrix<double>> now_;        // rows x size
  Matrix<double> products_;                // K, lower triangle
  Matrix<double> matches_;                 // k of every row
};

}  // namespace mixnet
