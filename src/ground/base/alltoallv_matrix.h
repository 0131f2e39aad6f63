// Byte matrices of an uneven all-to-all, as nccl-tests' alltoallv_perf reads them from
// NCCL_TESTS_ALLTOALLV_MATRIX_FILE (matrix file mode in its src/alltoallv.cu).
//
//   # 3 ranks
//   0    200  150
//   50   0    75
//   300, 150, 0
//
//   * one line a rank: the bytes that it sends to rank 0, 1, ...; the matrix is square;
//   * values are parted by blanks, by a comma, or by both; '#' comments and blank lines are
//     skipped;
//   * values are 0 or more: 9810, 9810.5, 9.81e3, and, which nccl-tests takes for its flags only,
//     64K, 5M, 1.5G, 2T (of 1024); each is multiplied by `scale` (its environment variable
//     NCCL_TESTS_ALLTOALLV_MATRIX_SCALE) and then cut to a multiple of 16 bytes;
//   * the diagonal stays on its rank: it is read and checked, but it is no flow, and a matrix with
//     nothing off the diagonal is refused;
//   * at most kMaxAlltoallvRanks ranks, and all values together at most 2^53 bytes (9 PB).
// nccl-tests itself uses the upper left part when it runs on fewer ranks; here the ranks are as
// many as the matrix has. Linear in the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/matrix.h"
#include "base/units.h"

namespace mixnet {

inline constexpr std::size_t kMaxAlltoallvRanks = 4096;
inline constexpr Bytes kMaxAlltoallvBytes{std::int64_t{1} << 53};

inline constexpr std::int64_t kAlltoallvAlignment = 16;  ///< bytes

/// `input` names the text in errors, `scale` is over 0. Throws Error, with line and column, on
/// anything else.
Matrix<std::int64_t> parse_alltoallv_matrix(std::string_view text, std::string_view input,
                                            double scale = 1);

/// The same from a file; throws Error when it cannot be read.
Matrix<std::int64_t> read_alltoallv_matrix(const std::filesystem::path& path, double scale = 1);

}  // namespace mixnet
