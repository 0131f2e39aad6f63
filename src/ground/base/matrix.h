// A dense row-major matrix as a plain value. Rows are senders and columns receivers wherever it
// holds traffic. Access is unchecked; sizes are fixed at construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mixnet {

template <typename T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t columns, T fill = T{})
      : rows_(rows), columns_(columns), cells_(rows * columns, fill) {}

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  T& operator()(std::size_t row, std::size_t column) { return cells_[row * columns_ + column]; }
  const T& operator()(std::size_t row, std::size_t column) const {
    return cells_[row * columns_ + column];
  }
  std::span<T> row(std::size_t r) { return {cells_.data() + r * columns_, columns_}; }
  std::span<const T> row(std::size_t r) const { return {cells_.data() + r * columns_, columns_}; }
  std::span<T> cells() { return cells_; }
  std::span<const T> cells() const { return cells_; }
  bool operator==(const Matrix&) const = default;

 private:
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::vector<T> cells_;
};

}  // namespace mixnet
