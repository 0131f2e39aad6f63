#include "scpi/scpi_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text_fields.h"
#include "ocs/device_ports.h"
#include "ocs/patch_switch.h"
#include "ocs/switch_error.h"
#include "scpi/scpi_session.h"
#include "scpi/scpi_text.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostListed = 256;  // ports a query; pairs a command
constexpr std::chrono::milliseconds kPoll{500};

/// `:oxc:swit:conn:add (@1,2),(@17,18)`, as many lines as it takes.
std::string command(std::string_view verb, std::span<const Patch> patches) {
  std::string lines;
  while (!patches.empty()) {
    const auto some = patches.first(std::min(patches.size(), kMostListed));
    patches = patches.subspan(some.size());
    lines +=
        fmt::format(":oxc:swit:conn:{} {}\n", verb, write_scpi_patches({some.begin(), some.end()}));
  }
  return lines;
}

std::optional<PortState> state_of(std::string_view word) {
  if (word == "E") return PortState::kOpen;
  if (word == "D") return PortState::kBlocked;
  if (word == "F") return PortState::kFailed;
  return std::nullopt;
}

class ScpiSwitch final : public PatchSwitch {
 public:
  ScpiSwitch(const SwitchAddress& from, PortSlice slice, Env& env)
      : PatchSwitch(from, std::move(slice), env), session_(address(), env) {}

  std::vector<SwitchEvent> events(MonotonicTime dead_line) override;
  std::vector<PortReading> ports(std::span<const int> ports, MonotonicTime dead_line) override;
  SwitchCapabilities capabilities(MonotonicTime dead_line) override;

 private:
  std::map<Patch, std::string> carry_out(const ChangePlan& plan, MonotonicTime dead_line) override;
  MonotonicTime last_sent() const override { return session_.last_sent(); }
  std::vector<Patch> read(std::span<const int> positions, MonotonicTime dead_line) override;
  PortNumbering ask_numbering(MonotonicTime dead_line) override;
  void connect(MonotonicTime dead_line) override { session_.open(dead_line); }

  std::map<Patch, std::string> ask_one_by_one(const ChangePlan& plan, std::string_view why,
                                              MonotonicTime dead_line);
  /// What is said of each of these ports; none where the query is denied.
  std::map<int, std::string> values(std::string_view query, std::span<const int> ports,
                                    bool must_answer, MonotonicTime dead_line);
  std::map<int, std::string> power(std::span<const int> positions, MonotonicTime dead_line);
  [[noreturn]] void garbled(std::string_view line, std::string_view what) const;

  ScpiSession session_;
  MonotonicTime last_look_{};  // into the error queue, while waiting
};

void ScpiSwitch::garbled(std::string_view line, std::string_view what) const {
  throw SwitchError(SwitchFault::kGarbled, device(), fmt::format("'{}' is {}", shown(line), what));
}

PortNumbering ScpiSwitch::ask_numbering(MonotonicTime dead_line) {
  PortNumbering numbering{address().sides.value_or(Sides::kTwo), address().ports};
  if (address().ports == 0 || !address().sides) {
    const std::string answer = session_.ask(":oxc:swit:size?", dead_line);
    const std::vector<std::string> words = parse_scpi_values(answer);
    const auto inputs = number_in<int>(trimmed(words.front()));
    const auto outputs = number_in<int>(trimmed(words.back()));
    if (words.size() != 2 || !inputs || !outputs || *inputs < 1 || *inputs > 1 << 16 ||
        (*outputs != *inputs && *outputs != 0)) {
      garbled(answer, "no size of a switch (INPUTS,OUTPUTS)");
    }
    if (address().ports == 0) numbering.positions = *inputs;
    if (!address().sides) numbering.sides = *outputs == 0 ? Sides::kOne : Sides::kTwo;
  }
  return numbering;
}

/// `stat?` names no port, so all are read.
std::vector<Patch> ScpiSwitch::read(std::span<const int> /*positions*/, MonotonicTime dead_line) {
  const std::string answer = session_.ask(":oxc:swit:conn:stat?", dead_line);
  auto patches = parse_scpi_patches(answer);
  if (!patches) garbled(answer, "no list of patches");
  for (Patch& patch : *patches) {
    patch = numbering().ordered(patch);
    if (!numbering().is_possible(patch)) {
      garbled(fmt::format("{},{}", patch.in, patch.out),
              fmt::format("no patch of a switch of {} ports", numbering().device_ports()));
    }
  }
  return std::move(*patches);
}

SwitchCapabilities ScpiSwitch::capabilities(MonotonicTime dead_line) {
  open(dead_line);
  SwitchCapabilities can = known_capabilities();
  can.identity = session_.ask("*idn?", dead_line);
  const int first = slice().empty() ? 1 : slice().front();
  can.power = !power({&first, 1}, dead_line).empty();
  return can;
}

std::map<Patch, std::string> ScpiSwitch::carry_out(const ChangePlan& plan,
                                                   MonotonicTime dead_line) {
  const ScpiSession::Result result =
      session_.exchange(command("sub", plan.remove) + command("add", plan.add), dead_line);
  if (result.answer) garbled(*result.answer, "an answer to what is no question");
  if (result.errors.empty()) return {};
  return ask_one_by_one(plan, describe(result.errors), dead_line);
}

/// What of a plan is not as asked, each pair by itself, and why it was denied. A port that is in
/// another patch is left alone: an add would part that.
std::map<Patch, std::string> ScpiSwitch::ask_one_by_one(const ChangePlan& plan,
                                                        std::string_view why,
                                                        MonotonicTime dead_line) {
  const std::vector<Patch> standing = read({}, dead_line);
  std::set<Patch> stand(standing.begin(), standing.end());
  std::map<Patch, std::string> denied;
  std::set<int> in_use;
  for (const Patch& patch : plan.remove) {
    if (!stand.contains(patch)) continue;
    const auto result = session_.exchange(command("sub", {&patch, 1}), dead_line);
    if (result.errors.empty()) {
      stand.erase(patch);
    } else {
      denied.emplace(patch, describe(result.errors));
    }
  }
  for (const Patch& patch : stand) in_use.insert({patch.in, patch.out});
  for (const Patch& patch : plan.add) {
    if (stand.contains(patch)) continue;
    if (in_use.contains(patch.in) || in_use.contains(patch.out)) {
      denied.emplace(patch, why);
      continue;
    }
    const auto result = session_.exchange(command("add", {&patch, 1}), dead_line);
    if (!result.errors.empty()) denied.emplace(patch, describe(result.errors));
  }
  return denied;
}

std::map<int, std::string> ScpiSwitch::values(std::string_view query, std::span<const int> ports,
                                              bool must_answer, MonotonicTime dead_line) {
  std::map<int, std::string> said;
  while (!ports.empty()) {
    const auto some = ports.first(std::min(ports.size(), kMostListed));
    ports = ports.subspan(some.size());
    const std::string line =
        fmt::format("{} {}", query, write_scpi_list({some.begin(), some.end()}));
    const auto answer = must_answer ? session_.ask(line, dead_line)
                                    : session_.exchange(line + "\n", dead_line).answer;
    if (!answer) continue;
    const std::vector<std::string> words = parse_scpi_values(*answer);
    if (words.size() != some.size()) {
      garbled(*answer, fmt::format("no list of {} values", some.size()));
    }
    for (std::size_t i = 0; i < words.size(); ++i) said.emplace(some[i], words[i]);
  }
  return said;
}

/// Inputs and outputs apart: some models watch the outputs only, and deny what names an input.
std::map<int, std::string> ScpiSwitch::power(std::span<const int> positions,
                                             MonotonicTime dead_line) {
  const std::vector<int> all = device_ports(positions, numbering());
  const auto outputs =
      static_cast<std::size_t>(std::ranges::upper_bound(all, numbering().positions) - all.begin());
  auto said = values(":pmon:pow?", std::span(all).first(outputs), false, dead_line);
  said.merge(values(":pmon:pow?", std::span(all).subspan(outputs), false, dead_line));
  return said;
}

std::vector<PortReading> ScpiSwitch::ports(std::span<const int> ports, MonotonicTime dead_line) {
  open(dead_line);
  const std::vector<int> positions = positions_asked(ports, slice(), numbering(), device());
  const std::vector<int> all = device_ports(positions, numbering());
  std::map<int, PortReading> readings;
  for (const auto& [port, word] : values(":oxc:swit:port:stat?", all, true, dead_line)) {
    const auto state = state_of(word);
    if (!state) garbled(word, "no state of a port (D, E or F)");
    PortReading& reading = readings[numbering().position(port)];
    // The worse of the two sides.
    reading.state = std::max(reading.state, *state);
  }
  for (const auto& [port, word] : power(positions, dead_line)) {
    PortReading& reading = readings[numbering().position(port)];
    const bool is_input = port <= numbering().positions;
    (is_input ? reading.input_dbm : reading.output_dbm) = number_in<double>(word);
  }
  std::vector<PortReading> in_order;
  in_order.reserve(positions.size());
  for (const int position : positions) {
    in_order.push_back(readings[position]);
    in_order.back().port = position;
  }
  return in_order;
}

std::vector<SwitchEvent> ScpiSwitch::events(MonotonicTime dead_line) {
  open(dead_line);
  std::vector<ScpiError>& errors = session_.stray_errors();
  while (errors.empty()) {
    const MonotonicTime now = env().monotonic_now();
    if (now >= dead_line) break;
    if (now < last_look_ + kPoll) {
      session_.wait(std::min(dead_line, last_look_ + kPoll));
      continue;
    }
    last_look_ = now;
    try {
      const ScpiSession::Result result = session_.exchange("", dead_line);
      errors.insert(errors.end(), result.errors.begin(), result.errors.end());
    } catch (const SwitchError& error) {
      // Who waits for less than an answer takes has not waited in vain.
      if (error.fault() != SwitchFault::kTimedOut) throw;
      break;
    }
  }
  std::vector<SwitchEvent> events;
  for (const ScpiError& error : std::exchange(errors, {})) {
    events.push_back({AlarmLevel::kEvent, fmt::format("{}", error.code), 0, error.text});
  }
  return events;
}

}  // namespace

std::unique_ptr<OpticalSwitch> open_scpi_switch(const SwitchAddress& address, PortSlice slice,
                                                Env& env) {
  return std::make_unique<ScpiSwitch>(address, std::move(slice), env);
}

}  // namespace mixnet
