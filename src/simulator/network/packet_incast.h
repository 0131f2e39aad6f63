// Long flows of several senders into one port: how well they use and share it, how long its queue
// is, and how long the fluid model of DCQCN says it would be. For tests and benchmarks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "network/packet_network.h"
#include "network/packet_test_networks.h"

namespace mixnet {

/// The one fixed point of the fluid model of Zhu et al. (SIGCOMM 2015, section 5.1): with equal
/// rates R = C / N and dR_T / dt = dR_C / dt = 0, the marking probability p solves
///   R alpha / (2 tau) (1 - (1-p)^(tau R)) = (R_T - R) / 2 (b + t),
///   (R_T - R) / tau (1 - (1-p)^(tau R)) = R_AI ((1-p)^(F B) b + (1-p)^(F T R) t),
///   alpha = 1 - (1-p)^(tau' R), b = R p / ((1-p)^-B - 1), t = R p / ((1-p)^-(T R) - 1),
/// with rates in packets a second and B in packets. Written from the paper; shares nothing with
/// what it checks but the parameters.
class DcqcnFixedPoint {
 public:
  DcqcnFixedPoint(int flows, Bandwidth port, const PacketOptions& options)
      : link_(port.bytes_per_second() / options.mtu),
        rate_(link_ / flows),
        bytes_(static_cast<double>(kDcqcnParameters.byte_counter) / options.mtu) {
    double low = 1e-9, high = 0.999;
    for (int i = 0; i < 200; ++i) {
      const double middle = std::sqrt(low * high);
      (falls(middle) ? high : low) = middle;
    }
    probability = low;
    const double kmin = options.ecn_threshold.count > 0
                            ? static_cast<double>(options.ecn_threshold.count)
                            : kmin_at(port.bytes_per_second());
    queue = kmin * (1 + probability / options.ecn_surest * (options.ecn_ceiling - 1));
  }

  double probability = 0;
  double queue = 0;  ///< bytes

 private:
  static double seconds(std::int64_t ps) { return static_cast<double>(ps) * 1e-12; }

  /// Whether rates fall at this probability.
  bool falls(double p) const {
    const double tau = seconds(kDcqcnParameters.cnp_interval);
    const double timer = seconds(kDcqcnParameters.rate_timer);
    const double rounds = kDcqcnParameters.fast_recovery;
    const auto unmarked = [p](double packets) { return std::exp(packets * std::log1p(-p)); };
    const double cut = 1 - unmarked(tau * rate_);
    const double alpha = 1 - unmarked(seconds(kDcqcnParameters.alpha_timer) * rate_);
    const double by_bytes = rate_ * p / (1 / unmarked(bytes_) - 1);
    const double by_time = rate_ * p / (1 / unmarked(timer * rate_) - 1);
    const double gap =
        kDcqcnParameters.additive * link_ * tau / cut *
        (unmarked(rounds * bytes_) * by_bytes + unmarked(rounds * timer * rate_) * by_time);
    return rate_ * alpha / (2 * tau) * cut > gap / 2 * (by_bytes + by_time);
  }

  double link_, rate_, bytes_;  ///< packets a second; packets
};

struct Incast {
  double slowdown = 0;     ///< the last end against the port's time for all bytes
  double utilisation = 0;  ///< of the port, from half that time until the first flow ends
  double jain = 0;         ///< index of fairness, likewise
  double mean_queue = 0;   ///< bytes, likewise, as single small packets find it
  PacketTotals totals;
};

/// `probes`: measures the queue, by a host of its own.
inline Incast run_incast(int senders, Bandwidth rate, Bytes payload, const PacketOptions& options,
                         bool probes = true) {
  const Star star(senders + 2, {rate, kTestDelay});
  PacketNetwork network(star.ports, options);
  const double bytes_a_second = rate.bytes_per_second();
  const double ideal =
      senders * static_cast<double>(wire_bytes_of(options, payload.count)) / bytes_a_second;
  const Time half = Time::from_seconds(ideal / 2);
  const std::int64_t probe_bytes = options.header + 1;
  const double unqueued =
      2 * (static_cast<double>(probe_bytes) / bytes_a_second + kTestDelay.to_seconds());
  int running = senders;
  double queues = 0;
  int probed = 0;
  network.on_completion([&](std::uint64_t tag, Time at) {
    if (tag > 0) {
      queues +=
          ((at - Time{static_cast<std::int64_t>(tag)}).to_seconds() - unqueued) * bytes_a_second;
      ++probed;
    } else {
      --running;
      network.stop();
    }
  });
  for (int s = 1; s <= senders; ++s) star.add_flow(network, s, 0, payload);
  const auto probe = star.add_paths(network, senders + 1, 0);
  const Time apart = Time::from_seconds(ideal / 8'000);
  for (Time t = half; probes && t < Time::from_seconds(ideal * 0.95); t += apart) {
    network.add_flow(probe, {1}, t, static_cast<std::uint64_t>(t.ps));
  }
  const auto sent = [&] {
    std::vector<double> bytes;
    for (int s = 1; s <= senders; ++s) {
      bytes.push_back(static_cast<double>(network.port_totals(star.up(s)).bytes));
    }
    bytes.push_back(static_cast<double>(network.port_totals(star.down(0)).bytes));
    return bytes;
  };
  network.run_until(half);
  const std::vector<double> before = sent();
  if (running == senders) network.run_until(Time::max());
  const std::vector<double> after = sent();
  const double span = (network.now() - half).to_seconds();
  Incast result;
  result.mean_queue = probed > 0 ? queues / probed : 0;
  while (running > 0) network.run_until(Time::max());
  result.slowdown = network.now().to_seconds() / ideal;
  result.totals = network.totals();
  double sum = 0;
  double squares = 0;
  for (int s = 0; s < senders; ++s) {
    const double bytes = after[s] - before[s];
    sum += bytes;
    squares += bytes * bytes;
  }
  result.jain = sum * sum / (senders * squares);
  result.utilisation = (after[senders] - before[senders]) / bytes_a_second / span;
  return result;
}

}  // namespace mixnet
