#include "training/fidelity_report.h"

#include <algorithm>

namespace mixnet {
namespace {

constexpr double kSkipError = 0.002;  // packet_network.h, docs/packet-network.md

}  // namespace

void FidelityReport::count(std::int64_t hops, int uses, bool is_fluid) {
  if (hops == 0) return;
  phases += uses;
  plain_packet_hops += uses * hops;
  if (is_fluid) fluid += uses;
}

void FidelityReport::complete(const PhaseTotals& all) {
  totals = all;
  in_packets = std::min(totals.simulated - totals.given_up, phases - fluid);
  reused = phases - fluid - in_packets;
  packet_hops = totals.packet_hops;
  if (totals.data_packets > 0) {
    skipped =
        static_cast<double>(totals.skipped_packets) / static_cast<double>(totals.data_packets);
  }
  if (phases > 0) error *= static_cast<double>(fluid) / static_cast<double>(phases);
  error += kSkipError * skipped;
}

}  // namespace mixnet
