// The parameters of the packet network's transports, in one table, with where they are from. Plain
// constants.
//
// What depends on the speed of a port, in bytes, with full packets of 9,000 bytes:
//
//                        | 25 Gb/s    | 100 Gb/s    | 200 Gb/s    | 400 Gb/s    | at least
//   DCTCP's threshold    | 75 kB      | 300 kB      | 367 kB      | 500 kB      | 8 packets
//   DCQCN's Kmin, Kmax   | 0.1, 0.4 MB| 0.4, 1.6 MB | 0.6, 2.4 MB | 0.8, 3.2 MB | 8, 32 packets
//   PFC's pause (DCQCN)  | 400 kB     | 1.6 MB      | 2.4 MB      | 3.2 MB      | 32 packets
//   R_AI, R_HAI in Mb/s  | 25, 250    | 100, 1000   | 200, 2000   | 400, 4000   |
//   queue, without PFC   | 1 MB       | 4 MB        | 8 MB        | 16 MB       | 64 packets
#pragma once

#include <cstdint>
#include <iterator>

namespace mixnet {

inline constexpr std::int64_t kMicrosecondPs = 1'000'000;

/// Alizadeh et al., SIGCOMM 2010; RFC 8257.
struct DctcpParameters {
  float gain = 1.0F / 16;  ///< of alpha (RFC 8257, section 4.2)
  /// Of marking, bytes for each Gb/s: 30 kB for each 10 Gb/s up to 100 Gb/s, as Li et al. (HPCC,
  /// SIGCOMM 2019, section 5.1) set DCTCP. The 65 packets of 1,500 bytes at 10 Gb/s of Alizadeh et
  /// al. are three times that; 0.17 of the rate times an unloaded round trip, the least for a full
  /// link with few flows (Alizadeh et al., SIGMETRICS 2011), is a tenth of it here.
  double threshold = 3e3;
  /// What is beyond 100 Gb/s adds this, ours: 10 us' worth in all at 400 Gb/s. Flows end with the
  /// queue that they built, which counts where phases are short.
  double fast_threshold = 2e3 / 3;
};
inline constexpr DctcpParameters kDctcpParameters;

/// Zhu et al., SIGCOMM 2015 ("paper").
struct DcqcnParameters {
  std::int64_t cnp_interval = 50 * kMicrosecondPs;  ///< ps, of a flow's receiver (paper)
  std::int64_t alpha_timer = 55 * kMicrosecondPs;   ///< ps (paper)
  std::int64_t rate_timer = 55 * kMicrosecondPs;    ///< ps (paper)
  std::int64_t byte_counter = 10'000'000;           ///< paper
  float gain = 1.0F / 256;                          ///< of alpha (paper)
  int fast_recovery = 5;                            ///< rounds (paper)
  float additive = 1e-3F;  ///< R_AI, of the NIC's rate: 40 Mb/s at 40 Gb/s (paper)
  float hyper = 1e-2F;     ///< R_HAI: ten times R_AI, as NICs are delivered (5 and 50 Mb/s)
  float least_rate = 1e-3F;
  /// Whether every CNP makes the target the rate that it cuts (paper, equation 1), or only the
  /// first after an increase, as in QCN (IEEE 802.1Qau) and as NICs are delivered
  /// (rpg_clamp_tgt_rate = 0; CLAMP_TARGET_RATE 0 in the simulations of HPCC). The difference is
  /// how a flow fares that is cut several times in a row: without it, it finds back in 55 us; with
  /// it, 4 flows of 2 MB into one port take four times as long.
  bool clamp_target = false;
  double sure_mark = 4;  ///< Kmax, in Kmins (kMarks)
  double surest = 0.2;   ///< Pmax
  /// PFC: a switch asks for a pause when it holds Kmax from one link, so that ECN comes first, as
  /// the paper asks (section 4), and takes that back so many full packets below.
  int pause_gap = 2;
  /// Of queue pairs: 4.096 us x 2^14, what verbs programs set. Nothing is lost but to dead links.
  std::int64_t time_out = 67'108'864'000;  ///< ps
};
inline constexpr DcqcnParameters kDcqcnParameters;

/// Kmin by rate. Up to 100 Gb/s, and Kmax and Pmax: Li et al. (HPCC, SIGCOMM 2019, section 5.1);
/// for 200 and 400 Gb/s: KMIN_MAP of Alibaba's ns-3 (SimAI). The paper's 5 and 200 kB and 0.01 at
/// 40 Gb/s are for packets of 1 kB.
struct Mark {
  double gbps, kilobytes;
};
inline constexpr Mark kMarks[] = {{25, 100}, {50, 200}, {100, 400}, {200, 600}, {400, 800}};

/// Kmin in bytes: between the table's rates on a line, beyond them in proportion.
constexpr double kmin_at(double bytes_per_second) {
  const double gbps = bytes_per_second * 8e-9;
  const Mark* above = std::begin(kMarks);
  while (above != std::end(kMarks) && above->gbps < gbps) ++above;
  if (above == std::begin(kMarks)) return gbps / above->gbps * above->kilobytes * 1e3;
  const Mark& below = above[-1];
  if (above == std::end(kMarks)) return gbps / below.gbps * below.kilobytes * 1e3;
  const double part = (gbps - below.gbps) / (above->gbps - below.gbps);
  return (below.kilobytes + part * (above->kilobytes - below.kilobytes)) * 1e3;
}

/// DCTCP's threshold in bytes.
constexpr double dctcp_threshold_at(double bytes_per_second) {
  const double gbps = bytes_per_second * 8e-9;
  if (gbps <= 100) return gbps * kDctcpParameters.threshold;
  return 100 * kDctcpParameters.threshold + (gbps - 100) * kDctcpParameters.fast_threshold;
}

/// Of both, ours. Ports hold at least so many full packets, however slow: bursts must pass and
/// windows have something to swing about. (Switches share their memory, so slow ports have more of
/// it for their rate.)
struct QueueParameters {
  std::int64_t limit = 320 * kMicrosecondPs;  ///< ps of the port's rate
  int least_limit = 64;                       ///< packets
  int least_threshold = 8;                    ///< packets, of DCTCP's and of Kmin
  std::int64_t time_out = 1'000 * kMicrosecondPs;
};
inline constexpr QueueParameters kQueues;

}  // namespace mixnet
