// Eigen over our matrices, and the only place that includes it.
//
// Its blocking, and with it the order of sums, must not depend on the machine: it is not to ask the
// processor for the sizes of its caches, and to stay on one thread. Vector instructions are chosen
// when compiling. Only the parts of Eigen under MPL-2.0.
//
// Include it in .cc files alone: it is slow to compile.
#pragma once

#define EIGEN_MPL2_ONLY
#define EIGEN_NO_CPUID
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <span>

#include "base/matrix.h"

namespace mixnet {

using EigenRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Eigen::Index eigen_size(std::size_t size) { return static_cast<Eigen::Index>(size); }

inline Eigen::Map<EigenRows> eigen_view(Matrix<double>& m) {
  return {m.cells().data(), eigen_size(m.rows()), eigen_size(m.columns())};
}
inline Eigen::Map<const EigenRows> eigen_view(const Matrix<double>& m) {
  return {m.cells().data(), eigen_size(m.rows()), eigen_size(m.columns())};
}
inline Eigen::Map<Eigen::VectorXd> eigen_view(std::span<double> v) {
  return {v.data(), eigen_size(v.size())};
}
inline Eigen::Map<const Eigen::VectorXd> eigen_view(std::span<const double> v) {
  return {v.data(), eigen_size(v.size())};
}

}  // namespace mixnet
