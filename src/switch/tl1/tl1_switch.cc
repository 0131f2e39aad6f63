#include "tl1/tl1_switch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text_fields.h"
#include "ocs/device_ports.h"
#include "ocs/patch_switch.h"
#include "tl1/tl1_command.h"
#include "tl1/tl1_dialect.h"
#include "tl1/tl1_session.h"

namespace mixnet {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMostLine = 4096;
constexpr seconds kKeepAlive{30};
constexpr seconds kKeepAliveAnswer{10};

bool is_refused(const Tl1Response& response) {
  return response.completion == Tl1Completion::kDenied ||
         response.completion == Tl1Completion::kPartial;
}

class Tl1Switch final : public PatchSwitch {
 public:
  Tl1Switch(const SwitchAddress& from, PortSlice slice, Env& env)
      : PatchSwitch(from, std::move(slice), env),
        dialect_(load_tl1_dialect(from.dialect, env)),
        session_(address(), dialect_, env) {}

  SwitchCapabilities capabilities(MonotonicTime dead_line) override;
  std::vector<PortReading> ports(std::span<const int> ports, MonotonicTime dead_line) override;
  std::vector<SwitchEvent> events(MonotonicTime dead_line) override;

 private:
  void connect(MonotonicTime dead_line) override { session_.open(dead_line); }
  PortNumbering ask_numbering(MonotonicTime dead_line) override;
  std::vector<Patch> read(std::span<const int> positions, MonotonicTime dead_line) override;
  std::map<Patch, std::string> carry_out(const ChangePlan& plan, MonotonicTime dead_line) override;
  MonotonicTime last_sent() const override { return session_.last_sent(); }

  std::vector<Tl1Request> about_ports(const std::string& pattern,
                                      std::span<const int> positions) const;
  Tl1Request about_patch(const std::string& pattern, Patch patch) const;
  std::vector<std::pair<int, std::string>> values(std::span<const Tl1Response> answers) const;
  void keep_alive(MonotonicTime now, MonotonicTime dead_line);
  SwitchEvent event(const Tl1Autonomous& message) const;
  void check(const Tl1Response& response, std::string_view what) const;

  Tl1Dialect dialect_;
  Tl1Session session_;
};

/// Throws unless the command was carried out.
void Tl1Switch::check(const Tl1Response& response, std::string_view what) const {
  if (response.completion != Tl1Completion::kDenied) return;
  throw SwitchError(SwitchFault::kDenied, device(),
                    fmt::format("{} is denied ({})", what, denial(response)));
}

PortNumbering Tl1Switch::ask_numbering(MonotonicTime dead_line) {
  std::optional<PortNumbering> told;
  if (!dialect_.size.empty() && (address().ports == 0 || !address().sides)) {
    const Tl1Request request{dialect_.size};
    told = dialect_.size_in(session_.exchange({&request, 1}, dead_line).front().rows);
  }
  if (address().ports == 0 && !told) {
    throw SwitchError(SwitchFault::kDenied, device(), "it does not tell how many ports it has",
                      "say so in the address: ?ports=N&sides=one or two");
  }
  PortNumbering numbering = told.value_or(PortNumbering{});
  if (address().ports > 0) numbering.positions = address().ports;
  if (address().sides) numbering.sides = *address().sides;
  return numbering;
}

/// Commands that name these positions' ports, and no others.
std::vector<Tl1Request> Tl1Switch::about_ports(const std::string& pattern,
                                               std::span<const int> positions) const {
  std::vector<Tl1Request> requests;
  std::string list;
  const auto end = [&] {
    if (!list.empty()) requests.push_back({pattern, {{"ports", std::exchange(list, {})}}});
  };
  for (const int port : device_ports(positions, numbering())) {
    const std::string number = fmt::format("{}", dialect_.on_wire(port, numbering()));
    if (pattern.size() + list.size() + number.size() + 1 > kMostLine) end();
    if (!list.empty()) list += '&';
    list += number;
  }
  end();
  return requests;
}

std::vector<Patch> Tl1Switch::read(std::span<const int> positions, MonotonicTime dead_line) {
  std::vector<Tl1Request> requests = about_ports(dialect_.read, positions);
  if (positions.empty()) requests.push_back({dialect_.read_all});
  std::set<Patch> patches;
  for (const Tl1Response& answer : session_.exchange(requests, dead_line)) {
    check(answer, "to read the patches");
    for (const std::string& row : answer.rows) {
      const auto patch = dialect_.patch_in(row, numbering());
      if (!patch) {
        throw SwitchError(SwitchFault::kGarbled, device(),
                          fmt::format("'{}' is no patch of a switch of {} ports", shown(row),
                                      numbering().device_ports()),
                          "another dialect may be needed: ?dialect=");
      }
      if (patch->in != 0) patches.insert(*patch);
    }
  }
  return {patches.begin(), patches.end()};
}

Tl1Request Tl1Switch::about_patch(const std::string& pattern, Patch patch) const {
  return {pattern,
          {{"in", fmt::format("{}", dialect_.on_wire(patch.in, numbering()))},
           {"out", fmt::format("{}", dialect_.on_wire(patch.out, numbering()))}}};
}

SwitchCapabilities Tl1Switch::capabilities(MonotonicTime dead_line) {
  open(dead_line);
  std::vector<Tl1Request> requests = {{dialect_.identity}};
  const int first = slice().empty() ? 1 : slice().front();
  if (!dialect_.power.empty()) requests.push_back(about_ports(dialect_.power, {&first, 1}).front());
  const std::vector<Tl1Response> answers = session_.exchange(requests, dead_line);
  check(answers[0], "to tell what it is");
  SwitchCapabilities can = known_capabilities();
  can.batch = 1;
  can.identity = fmt::format("{}", fmt::join(answers[0].rows, " "));
  can.power = answers.size() > 1 && !is_refused(answers[1]) && !answers[1].rows.empty();
  return can;
}

std::map<Patch, std::string> Tl1Switch::carry_out(const ChangePlan& plan, MonotonicTime dead_line) {
  std::vector<Patch> asked = plan.remove;
  asked.insert(asked.end(), plan.add.begin(), plan.add.end());
  std::vector<Tl1Request> requests;
  for (const Patch& patch : asked) {
    const bool is_removed = requests.size() < plan.remove.size();
    requests.push_back(about_patch(is_removed ? dialect_.disconnect : dialect_.connect, patch));
  }
  const std::vector<Tl1Response> answers = session_.exchange(requests, dead_line);
  std::map<Patch, std::string> denied;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (is_refused(answers[i])) denied.emplace(asked[i], denial(answers[i]));
  }
  return denied;
}

/// Rows of "PORT: VALUE"; none of what is denied.
std::vector<std::pair<int, std::string>> Tl1Switch::values(
    std::span<const Tl1Response> answers) const {
  std::vector<std::pair<int, std::string>> read;
  for (const Tl1Response& answer : answers) {
    for (const std::string& row : answer.rows) {
      auto value = dialect_.value_in(row, numbering());
      if (!value) {
        throw SwitchError(SwitchFault::kGarbled, device(),
                          fmt::format("'{}' is no port and its value", shown(row)),
                          "another dialect may be needed: ?dialect=");
      }
      read.push_back(std::move(*value));
    }
  }
  return read;
}

std::vector<PortReading> Tl1Switch::ports(std::span<const int> ports, MonotonicTime dead_line) {
  open(dead_line);
  const std::vector<int> positions = positions_asked(ports, slice(), numbering(), device());
  std::vector<Tl1Request> requests;
  if (!dialect_.shutter.empty()) requests = about_ports(dialect_.shutter, positions);
  const std::size_t shutters = requests.size();
  if (!dialect_.power.empty()) {
    for (Tl1Request& request : about_ports(dialect_.power, positions)) {
      requests.push_back(std::move(request));
    }
  }
  const std::vector<Tl1Response> answers = session_.exchange(requests, dead_line);
  for (std::size_t i = 0; i < shutters; ++i) check(answers[i], "to read the shutters");

  std::map<int, PortReading> readings;
  for (const int position : positions) readings[position].port = position;
  for (const auto& [port, word] : values(std::span(answers).first(shutters))) {
    const auto state = dialect_.shutter_words.find(word);
    const auto reading = readings.find(numbering().position(port));
    if (state == dialect_.shutter_words.end()) {
      throw SwitchError(SwitchFault::kGarbled, device(),
                        fmt::format("'{}' is no state of a port", shown(word)),
                        "the dialect's shutter_words tell what it means");
    }
    if (reading == readings.end()) continue;
    // The worse of the two sides.
    reading->second.state = std::max(reading->second.state, state->second);
  }
  for (const auto& [port, text] : values(std::span(answers).subspan(shutters))) {
    const auto reading = readings.find(numbering().position(port));
    if (reading == readings.end()) continue;
    const bool is_input = port <= numbering().positions;
    (is_input ? reading->second.input_dbm : reading->second.output_dbm) = number_in<double>(text);
  }
  std::vector<PortReading> in_order;
  in_order.reserve(positions.size());
  for (const int position : positions) in_order.push_back(readings[position]);
  return in_order;
}

SwitchEvent Tl1Switch::event(const Tl1Autonomous& message) const {
  SwitchEvent event{.level = message.level, .code = message.verb, .port = 0, .text = {}};
  event.text = fmt::format("{}", fmt::join(message.rows, "; "));
  if (event.text.empty()) event.text = message.comment;
  if (message.rows.empty()) return event;
  const std::string& row = message.rows.front();
  const auto number = number_in<int>(std::string_view(row).substr(0, row.find_first_of(":,")));
  const int port = number ? dialect_.from_wire(*number, numbering()) : 0;
  event.port = port == 0 ? 0 : numbering().position(port);
  if (port == 0 || message.rows.size() > 1) return event;
  std::vector<std::string> parts = split_tl1(row, ':');
  if (parts.size() == 1) return event;
  parts.erase(parts.begin());
  event.text = fmt::format("{}", fmt::join(parts, ": "));
  return event;
}

void Tl1Switch::keep_alive(MonotonicTime now, MonotonicTime dead_line) {
  const MonotonicTime answer_by = std::min(dead_line, now + kKeepAliveAnswer);
  const Tl1Request request{dialect_.identity};
  try {
    session_.exchange({&request, 1}, answer_by);
  } catch (const SwitchError& error) {
    // Who waits for less than an answer takes has not waited in vain.
    if (error.fault() != SwitchFault::kTimedOut || answer_by != dead_line) throw;
  }
}

std::vector<SwitchEvent> Tl1Switch::events(MonotonicTime dead_line) {
  open(dead_line);
  while (session_.events().empty()) {
    const MonotonicTime now = env().monotonic_now();
    if (now >= dead_line) break;
    const MonotonicTime quiet_until = session_.last_heard() + kKeepAlive;
    if (now >= quiet_until) {
      keep_alive(now, dead_line);
    } else {
      session_.wait(std::min(dead_line, quiet_until));
    }
  }
  std::vector<SwitchEvent> events;
  for (const Tl1Autonomous& message : session_.events()) events.push_back(event(message));
  session_.events().clear();
  return events;
}

}  // namespace

std::unique_ptr<OpticalSwitch> open_tl1_switch(const SwitchAddress& address, PortSlice slice,
                                               Env& env) {
  return std::make_unique<Tl1Switch>(address, std::move(slice), env);
}

}  // namespace mixnet
