#include "training/exchange_sample.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "base/parallel.h"
#include "base/progress.h"
#include "network/sample_places.h"
#include "training/packet_correction.h"

namespace mixnet {
namespace {

constexpr std::size_t kFewestSamples = 4;
constexpr std::size_t kMostSamples = 64;

std::int64_t bytes_between_servers(const RegionDemand& demand) {
  std::int64_t bytes = 0;
  for (int s = 0; s < demand.servers; ++s) {
    for (int t = 0; t < demand.servers; ++t) bytes += s == t ? 0 : demand.server_bytes(s, t);
  }
  return bytes;
}

}  // namespace

std::vector<bool> measure_by_sample(const MeasuredJob& job, const ExchangeMeter& meter,
                                    PhaseWorkers& workers, std::size_t f, std::int64_t hops_a_place,
                                    JobPhases& phases) {
  FabricPhases& fabric = phases.fabrics[f];
  std::vector<ExchangeTimes>& exchanges = fabric.exchanges;
  const auto affordable =
      static_cast<std::size_t>(job.fidelity().budget / std::max<std::int64_t>(1, hops_a_place));
  const auto layers = static_cast<std::size_t>(phases.moe_layers);
  const std::vector<std::size_t> samples = choose_places(
      exchanges.size() / layers, layers, std::clamp(affordable, kFewestSamples, kMostSamples),
      job.fidelity().sample_seed);
  std::vector<ExchangeTimes> in_packets(samples.size());
  std::vector<std::int64_t> bytes(samples.size());
  ProgressBar progress("packets on " + std::string(to_string(fabric.kind)), samples.size());
  std::mutex progress_mutex;
  parallel_for(samples.size(), workers.threads(), [&](std::size_t i, int index) {
    PhaseWorker& worker = workers.at(index);
    in_packets[i] = meter.in_packets(worker, f, samples[i]);
    bytes[i] = bytes_between_servers(meter.load(worker, f, samples[i]));
    const std::lock_guard lock(progress_mutex);
    progress.advance();
  });

  PacketCorrection correction(job.fidelity().nic_rate);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    correction.add(exchanges[samples[i]], in_packets[i], bytes[i]);
  }
  fabric.report.packet_over_fluid = correction.ratio();
  fabric.report.error = correction.error();
  parallel_for(exchanges.size(), workers.threads(), [&](std::size_t i, int index) {
    correction.correct(exchanges[i], bytes_between_servers(meter.load(workers.at(index), f, i)));
  });
  std::vector<bool> is_fluid(exchanges.size(), true);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    exchanges[samples[i]] = in_packets[i];
    is_fluid[samples[i]] = false;
  }
  return is_fluid;
}

}  // namespace mixnet
