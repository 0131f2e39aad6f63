#include "cabling/cabling_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/error.h"
#include "ocs/change_plan.h"

namespace mixnet {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{5};
/// A transmitter that goes out falls by far more, noise moves by far less.
constexpr double kGoneDb = 10;

class Survey {
 public:
  Survey(OpticalSwitch& device, NicProbe& probe, const OpticalNics& nics,
         const SurveyOptions& options, Env& env)
      : device_(device), probe_(probe), nics_(nics), options_(options), env_(env) {
    if (nics_.positions.size() < 2 && options.by != SurveyBy::kPower) {
      throw Error("verify-cabling", "there is one NIC alone, and nobody to hear it",
                  "--by power tells of one");
    }
    has_power_ = device_.capabilities(limit()).power;
    if (options.by == SurveyBy::kPower && !has_power_) {
      throw Error("--by power", "this switch does not tell optical power", "frames, or carrier");
    }
    before_ = device_.cross_connects(limit());
    const std::size_t standing = before_.circuits.size() + before_.halves.size();
    if (standing != 0 && !options.interrupt) {
      throw Error("verify-cabling", fmt::format("{} circuits of the slice stand", standing),
                  "--interrupt takes them down meanwhile");
    }
  }

  SurveyReport run() {
    circuits_ = survey_circuits(nics_.positions);
    steps_ = circuits_.size() + (options_.by == SurveyBy::kPower ? nics_.positions.size() : 0);
    try {
      for (const OpticalCircuit& circuit : circuits_) {
        if (light({circuit})) observe(circuit);
        step();
      }
      light({});
      if (options_.by == SurveyBy::kPower) find_senders();
    } catch (...) {
      restore();
      throw;
    }
    restore();
    return report();
  }

 private:
  MonotonicTime limit() const { return env_.monotonic_now() + options_.change_limit; }
  MonotonicTime agent_limit() const { return env_.monotonic_now() + milliseconds(10'000); }

  void pause() {
    if (options_.is_stopped && options_.is_stopped()) {
      throw Error("verify-cabling", "was interrupted", "circuits that stood are put back");
    }
    env_.sleep_until(env_.monotonic_now() + kPoll);
  }

  void step() {
    if (options_.progress) options_.progress(++done_, steps_);
  }

  /// These circuits and no others; false, and noted, when the switch would not.
  bool light(const std::vector<OpticalCircuit>& wanted) {
    const SwitchChange change = reconcile(device_.cross_connects(limit()), wanted);
    return note(device_.apply(change, limit()));
  }

  /// What is not as asked.
  bool note(const ChangeReport& made) {
    for (const PairResult& pair : made.pairs) {
      if (pair.outcome == PairOutcome::kDone || pair.outcome == PairOutcome::kAlready) continue;
      report_.circuits.push_back(
          fmt::format("{}-{} could not be {} ({}{}{})", pair.circuit.a, pair.circuit.b,
                      pair.connect ? "connected" : "disconnected", to_string(pair.outcome),
                      pair.reason.empty() ? "" : ": ", pair.reason));
    }
    return made.complete();
  }

  void restore() {
    try {
      light(before_.circuits);
      for (const LightPath& half : before_.halves) {
        report_.circuits.push_back(
            fmt::format("{} to {}, one way only, is not put back", half.from, half.to));
      }
    } catch (const Error&) {
      // The error on its way says more; the controller reconciles when it comes back.
      if (std::uncaught_exceptions() == 0) throw;
    }
  }

  void observe(OpticalCircuit circuit) {
    if (options_.by == SurveyBy::kFrames) listen(circuit);
    if (options_.by == SurveyBy::kCarrier) look(circuit);
    if (has_power_) measure(circuit);
  }

  /// Until both directions are heard, or none will be.
  void listen(OpticalCircuit circuit) {
    static_cast<void>(probe_.heard(agent_limit()));  // what is left of the circuit before
    const auto end = env_.monotonic_now() + options_.settle;
    std::set<std::pair<int, int>> pairs;
    do {
      probe_.shout(agent_limit());
      pause();
      for (const auto& pair : probe_.heard(agent_limit())) pairs.insert(pair);
    } while (pairs.size() < 2 && env_.monotonic_now() < end);
    for (const auto& [to, from] : pairs) hearings_.push_back({circuit, from, to});
  }

  /// Until two NICs have carrier; what stays on after a change is a NIC that is slow to fall.
  void look(OpticalCircuit circuit) {
    const auto end = env_.monotonic_now() + options_.settle;
    std::vector<bool> carrier;
    std::int64_t on = 0;
    int same = 0;
    do {
      pause();
      std::vector<bool> now = probe_.carrier(agent_limit());
      same = now == carrier ? same + 1 : 0;
      carrier = std::move(now);
      on = std::ranges::count(carrier, true);
    } while ((on != 2 || same < 4) && env_.monotonic_now() < end);
    for (std::size_t nic = 0; nic < carrier.size(); ++nic) {
      if (carrier[nic]) carriers_.push_back({circuit, static_cast<int>(nic)});
    }
  }

  void measure(OpticalCircuit circuit) {
    const std::vector<int> ends = {circuit.a, circuit.b};
    std::map<int, PortReading> readings;
    for (const PortReading& reading : device_.ports(ends, limit()))
      readings[reading.port] = reading;
    for (const int end : ends) {
      const PortReading& from = readings[end];
      const PortReading& to = readings[end == circuit.a ? circuit.b : circuit.a];
      if (from.input_dbm) inputs_[end] = *from.input_dbm;
      if (!from.input_dbm || !to.output_dbm) continue;
      const double loss = *from.input_dbm - *to.output_dbm;
      const auto [known, is_new] = losses_.emplace(end, loss);
      if (!is_new) known->second = std::max(known->second, loss);
    }
  }

  std::map<int, double> read_inputs() {
    std::map<int, double> inputs;
    for (const PortReading& reading : device_.ports(nics_.positions, limit())) {
      if (reading.input_dbm) inputs[reading.port] = *reading.input_dbm;
    }
    return inputs;
  }

  /// Takes one NIC down at a time: the position whose light goes out is where it sends into.
  void find_senders() {
    inputs_ = read_inputs();
    senders_.assign(nics_.positions.size(), 0);
    for (std::size_t nic = 0; nic < senders_.size(); ++nic) {
      probe_.set_up(static_cast<int>(nic), false, agent_limit());
      const auto end = env_.monotonic_now() + options_.settle;
      do {
        pause();
        for (const auto& [position, power] : read_inputs()) {
          if (inputs_[position] - power > kGoneDb) senders_[nic] = position;
        }
      } while (senders_[nic] == 0 && env_.monotonic_now() < end);
      probe_.set_up(static_cast<int>(nic), true, agent_limit());
      wait_for_light(senders_[nic]);
      step();
    }
  }

  void wait_for_light(int position) {
    if (position == 0) return;
    const auto end = env_.monotonic_now() + options_.settle;
    while (env_.monotonic_now() < end) {
      if (read_inputs()[position] > inputs_[position] - kGoneDb) return;
      pause();
    }
  }

  std::vector<Plugged> found() const {
    if (options_.by == SurveyBy::kFrames) return locate(nics_.positions, hearings_);
    if (options_.by == SurveyBy::kCarrier) return locate(nics_.positions, carriers_);
    std::vector<Plugged> plugged(senders_.size());
    for (std::size_t nic = 0; nic < senders_.size(); ++nic) plugged[nic].sends_into = senders_[nic];
    return plugged;
  }

  SurveyReport report() {
    const std::vector<Plugged> plugged = found();
    for (std::size_t nic = 0; nic < plugged.size(); ++nic) {
      NicFinding finding{.name = nics_.names[nic],
                         .position = nics_.positions[nic],
                         .found = plugged[nic],
                         .input_dbm = std::nullopt,
                         .loss_db = std::nullopt,
                         .faults = {}};
      const bool by_power = options_.by == SurveyBy::kPower;
      const std::string fault =
          describe_fault(nic, nics_.positions, plugged, nics_.names,
                         by_power || options_.by == SurveyBy::kFrames, !by_power);
      if (!fault.empty()) finding.faults.push_back(fault);
      add_light(finding);
      report_.nics.push_back(std::move(finding));
    }
    return std::move(report_);
  }

  void add_light(NicFinding& finding) const {
    const int sends_into = finding.found.sends_into != 0   ? finding.found.sends_into
                           : finding.found.hears_from != 0 ? finding.found.hears_from
                                                           : finding.position;
    if (const auto input = inputs_.find(sends_into); input != inputs_.end()) {
      finding.input_dbm = input->second;
      if (input->second < options_.least_dbm) {
        finding.faults.push_back(
            fmt::format("weak light: {:.1f} dBm into port {}, under {:.1f} dBm", input->second,
                        sends_into, options_.least_dbm));
      }
    }
    if (const auto loss = losses_.find(sends_into); loss != losses_.end()) {
      finding.loss_db = loss->second;
      if (loss->second > options_.most_loss_db) {
        finding.faults.push_back(fmt::format("a path from port {} loses {:.1f} dB, over {:.1f} dB",
                                             sends_into, loss->second, options_.most_loss_db));
      }
    }
  }

  OpticalSwitch& device_;
  NicProbe& probe_;
  const OpticalNics& nics_;
  const SurveyOptions& options_;
  Env& env_;
  bool has_power_ = false;
  CrossConnects before_;
  std::vector<OpticalCircuit> circuits_;
  std::size_t done_ = 0;
  std::size_t steps_ = 0;
  std::vector<Hearing> hearings_;
  std::vector<Carrier> carriers_;
  std::vector<int> senders_;
  std::map<int, double> inputs_;
  std::map<int, double> losses_;
  SurveyReport report_;
};

}  // namespace

bool SurveyReport::ok() const {
  return circuits.empty() &&
         std::ranges::all_of(nics, [](const NicFinding& nic) { return nic.faults.empty(); });
}

SurveyReport survey_cabling(OpticalSwitch& device, NicProbe& probe, const OpticalNics& nics,
                            const SurveyOptions& options, Env& env) {
  return Survey(device, probe, nics, options, env).run();
}

}  // namespace mixnet
