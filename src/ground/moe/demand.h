// From token counts to bytes: what one all-to-all of one EP group asks of the network.
//
// The gate's counts (routing.h) say how many token copies EP rank e sends to each expert. A token
// is `hidden` numbers of bf16; with tensor parallelism the tokens are split over the TP ranks
// (sequence parallel), so GPU (e, t) sends its 1/etp share to GPU (f, t) of every destination rank
// f. Local GPU i = e * etp + t of the group sits in server i / gpus_per_server (plan.h).
//
// So it is with a copy for each expert. Deduplicated (dispatch.h), GPU (e, t) sends a token once to
// a server that has experts of it, which forwards it once to each of their GPUs: server_bytes and
// out count distinct tokens of servers, rank_bytes of ranks.
//
// Combine is the transpose of dispatch, the backward of combine equals dispatch and the backward of
// dispatch equals combine, so one demand describes all four all-to-alls of a layer.
//
// GPUs of a server that behave alike are folded: when etp <= gpus_per_server, the etp GPUs of one
// EP rank send the same bytes to the same servers. A *rail class* stands for such a set; there are
// gpus_per_server / etp of them (1 when etp is larger), each of `rail_width` GPUs. Rail class r of
// a server is the GPUs (and NICs) [r * rail_width, (r + 1) * rail_width).
//
// A token comes back the way it went: what GPU r of server s sent to server d enters and leaves d
// at d's GPU of the same place, so combine is the transpose of dispatch at every level, rails
// included.
//
// Invariants (tested): the cells of server_bytes add up to those of rank_bytes (with copies;
// deduplicated to at most these), and for two different servers the sum over rail classes of
// rail_width * out[r](s, d) is server_bytes(s, d), both but for the rounding down of less than a
// byte a rank pair and GPU. Plain values; make()
// allocates nothing and costs O(ep^2 + ep * experts).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/units.h"
#include "moe/dispatch.h"
#include "moe/plan.h"
#include "moe/routing.h"

namespace mixnet {

struct RegionDemand {
  int servers = 1;
  int region_gpus = 1;              ///< of its EP group
  std::vector<int> server_of_rank;  ///< the first, by EP rank
  int rail_classes = 1;
  int rail_width = 1;  ///< GPUs of a server that one rail class stands for

  /// Dispatch bytes from server (row) to server (column); the diagonal stays inside the server.
  Matrix<std::int64_t> server_bytes;
  /// out[r](s, d): dispatch bytes that ONE GPU of rail class r in server s sends to server d != s.
  std::vector<Matrix<std::int64_t>> out;

  /// EP rank to EP rank, dispatch, all TP ranks together (row: sender): what a rank gets in the
  /// end, over whichever networks.
  Matrix<std::int64_t> rank_bytes;
  /// EP rank to the servers of the region, where it sends distinct tokens; empty with copies.
  Matrix<std::int64_t> rank_to_server;
  bool is_deduplicated() const { return rank_to_server.rows() > 0; }
  /// Of rank_bytes, what a server's ranks get from other servers.
  std::vector<std::int64_t> copies_in;
  /// Token copies that the busiest and the average EP rank get: the expert work of the layer.
  std::int64_t busiest_rank_tokens = 0;
  double mean_rank_tokens = 0;

  /// Bytes through the busiest GPU's scale-up port in one all-to-all (in or out, which is larger;
  /// the same for dispatch and combine). `direct`: a token leaves by its own GPU's NIC, enters at
  /// the NIC of the same place and is forwarded in the destination server (rail-aligned).
  /// `inside`: a token enters at its expert's own GPU, so only what stays in a server counts.
  /// `delegated`: what leaves or enters a server passes through delegates, each GPU for an equal
  /// share of it.
  std::int64_t scale_up_direct = 0;
  std::int64_t scale_up_inside = 0;
  std::int64_t scale_up_delegated = 0;
};

/// Makes demands for one model and plan, reusing its memory.
class DemandMaker {
 public:
  /// 2 bytes a number. `moved`: EP ranks that run on a server of their own, behind the region's (a
  /// backup for GPUs that failed); only where etp <= gpus_per_server.
  DemandMaker(const ParallelPlan& plan, const TokenTraffic& traffic,
              std::span<const int> moved = {});
  /// With a copy for each expert.
  DemandMaker(const ParallelPlan& plan, int hidden, std::span<const int> moved = {})
      : DemandMaker(plan, TokenTraffic{.hidden = hidden}, moved) {}

  /// The demand of `counts` (rows: the plan's ep ranks; columns: experts, a multiple of ep).
  /// The result lives until the next call.
  const RegionDemand& make(const TokenCounts& counts);
  /// Its server_bytes alone, for less.
  const Matrix<std::int64_t>& make_server_bytes(const TokenCounts& counts);

 private:
  int first_server(int rank) const { return demand_.server_of_rank[rank]; }
  std::int64_t distinct_bytes(const DistinctTokens& place, std::int64_t copies,
                              std::int64_t row_total) const;
  void deduplicate(const TokenCounts& counts);
  void spread_over_servers();
  void add_to_server(int from, int to, int part, std::int64_t bytes);
  void find_rank_loads();
  void find_scale_up_loads();

  TokenTraffic traffic_;
  std::optional<DistinctTokens> at_rank_, at_server_;  ///< deduplicated
  int ep_;
  int etp_;
  int gpus_per_server_;
  std::int64_t token_bytes_;
  RegionDemand demand_;

  /// Bytes of an EP rank, all its GPUs together; to and from GPUs of its own server (inside) and
  /// others.
  struct RankLoad {
    std::int64_t sent_inside = 0, received_inside = 0;
    std::int64_t sent_outside = 0, received_outside = 0;
    std::int64_t received_on_rail = 0;  ///< of the latter, from its own rail class
  };
  std::vector<RankLoad> loads_;       ///< work space
  Matrix<std::int64_t> rail_copies_;  ///< likewise: by server, and rail class that they come in on
  std::vector<std::int64_t> to_server_;
};

}  // namespace mixnet
