#include "moe/token_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/csv.h"
#include "base/error.h"
#include "moe/apportion.h"

namespace mixnet {
namespace {

constexpr std::size_t kMaxColumns = 16384;
constexpr double kUnit = 0x1.0p30;  // the largest weight of a row, for apportion()

/// What row `rank` of the shape draws on: the weight of each expert.
class RowWeights {
 public:
  RowWeights(const Matrix<double>& weights, const RoutingShape& shape)
      : weights_(weights),
        per_expert_(weights.columns() == static_cast<std::size_t>(shape.experts) &&
                    weights.rows() == static_cast<std::size_t>(shape.ep)),
        local_(static_cast<std::size_t>(shape.experts / shape.ep)) {}

  double operator()(std::size_t rank, std::size_t expert) const {
    if (per_expert_) return weights_(rank, expert);
    return weights_(rank % weights_.rows(), expert / local_ % weights_.columns());
  }

 private:
  const Matrix<double>& weights_;
  bool per_expert_;
  std::size_t local_;
};

void check_fit(const Matrix<double>& weights, const RoutingShape& shape, bool crop,
               std::string_view input) {
  const std::size_t rows = weights.rows();
  const std::size_t columns = weights.columns();
  const auto ep = static_cast<std::size_t>(shape.ep);
  const auto experts = static_cast<std::size_t>(shape.experts);
  if (rows == ep && columns == experts) return;
  if (rows != columns) {
    throw Error(
        input, fmt::format("is {} x {}, which is not square", rows, columns),
        fmt::format("give EP ranks x experts ({} x {}), or a square matrix between EP ranks "
                    "whose size divides {}",
                    ep, experts, ep));
  }
  if (!crop && ep % rows != 0) {
    throw Error(input, fmt::format("is {} x {}, which does not divide EP {}", rows, rows, ep),
                fmt::format("give a square matrix whose size divides {}, or one of {} x {}", ep, ep,
                            experts));
  }
}

}  // namespace

TokenCounts uniform_counts(const RoutingShape& shape) {
  const auto experts = static_cast<std::size_t>(shape.experts);
  TokenCounts counts(static_cast<std::size_t>(shape.ep), experts,
                     static_cast<std::int32_t>(shape.row_total() / shape.experts));
  const auto left = static_cast<std::size_t>(shape.row_total() % shape.experts);
  std::size_t next = 0;  // goes on from row to row, so that columns differ by at most one as well
  for (std::size_t row = 0; row < counts.rows(); ++row) {
    for (std::size_t i = 0; i < left; ++i) ++counts(row, next++ % experts);
  }
  return counts;
}

Matrix<double> parse_token_matrix(std::string_view text, std::string_view input) {
  const CsvTable table = CsvTable::parse(text, input, false);
  if (table.columns() > kMaxColumns) {
    throw Error(input, fmt::format("has {} columns", table.columns()),
                fmt::format("give at most {}", kMaxColumns));
  }
  Matrix<double> weights(table.rows(), table.columns());
  for (std::size_t r = 0; r < table.rows(); ++r) {
    for (std::size_t c = 0; c < table.columns(); ++c) weights(r, c) = table.number(r, c);
    if (std::ranges::max(weights.row(r)) <= 0) {
      throw Error(table.place(r, 0), "the row is all zero",
                  "give every sender at least one receiver");
    }
  }
  return weights;
}

TokenCounts tile_token_matrix(const Matrix<double>& weights, const RoutingShape& shape, bool crop,
                              std::string_view input) {
  check_fit(weights, shape, crop, input);
  const RowWeights weight(weights, shape);
  TokenCounts counts(static_cast<std::size_t>(shape.ep), static_cast<std::size_t>(shape.experts));
  for (std::size_t rank = 0; rank < counts.rows(); ++rank) {
    double largest = 0;
    for (std::size_t e = 0; e < counts.columns(); ++e) largest = std::max(largest, weight(rank, e));
    if (largest <= 0) {
      throw Error(input, fmt::format("row {} is all zero in the columns used", rank + 1),
                  "give every sender at least one receiver");
    }
    for (std::size_t e = 0; e < counts.columns(); ++e) {
      counts(rank, e) = static_cast<std::int32_t>(std::lround(weight(rank, e) / largest * kUnit));
    }
    apportion(counts.row(rank), shape.row_total(), shape.row_total(), kHalfOffset);
  }
  return counts;
}

}  // namespace mixnet
