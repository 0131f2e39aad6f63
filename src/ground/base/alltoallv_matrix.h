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
//   * values are whole, >= 0, and may be written 9810, 9810.0 or 9.81e3;
//   * the diagonal stays on its rank: it is read and checked, but it is no flow, and a matrix with
//     nothing off the diagonal is refused;
//   * at most kMaxAlltoallvRanks ranks, and all values together at most 2^53 bytes (9 PB).
// nccl-tests itself cuts each value to a multiple of 16 bytes and uses the upper left part when it
// runs on fewer ranks; here the values are taken as they stand. Linear in the text.
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

/// `input` names the text in errors. Throws Error, with line and column, on anything else.
Matrix<std::int64_t> parse_alltoallv_matrix(std::string_view text, std::string_view input);

/// The same from a file; throws Error when it cannot be read.
Matrix<std::int64_t> read_alltoallv_matrix(const std::filesystem::path& path);

}  // namespace mixnet
