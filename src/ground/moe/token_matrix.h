// Routing that does not change: the same counts at every place.
//
// * uniform: every expert gets the same; what does not divide goes to experts in turn.
// * a measured matrix W, n x n between EP ranks, tiled: rank i sends rank j
//       tokens * top_k * W[i % n][j % n] / (sum over the ep columns of that row),
//   split equally among rank j's experts. This is how the MixNet authors use their production
//   matrix for every model and EP degree.
// * a matrix ep x experts, row by row in proportion.
// Rows sum to tokens * top_k exactly. No cell is held to `tokens` here: a measured matrix is
// taken as it is, even where its tiling gives one expert more than distinct choices could.
//
// Pure functions; cost O(ep * experts).
#pragma once

#include <string_view>

#include "base/matrix.h"
#include "moe/token_counts.h"

namespace mixnet {

TokenCounts uniform_counts(const RoutingShape& shape);

/// Reads CSV without a header: numbers >= 0, every row with something above 0, at most 16384
/// columns. `input` names it in errors. Throws Error.
Matrix<double> parse_token_matrix(std::string_view text, std::string_view input);

/// Spreads `weights` (as parse_token_matrix() gives them) over the shape. An ep x experts matrix is
/// used as it is; an n x n one is tiled as above. With `crop` false, n must divide ep; with it
/// true, a smaller ep takes the upper left part and any other the remainders too. Throws Error
/// naming `input` when it does not fit, or when a row has nothing left in the part taken.
TokenCounts tile_token_matrix(const Matrix<double>& weights, const RoutingShape& shape, bool crop,
                              std::string_view input);

}  // namespace mixnet
