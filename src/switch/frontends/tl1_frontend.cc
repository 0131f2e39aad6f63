#include "frontends/tl1_frontend.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"
#include "base/text_fields.h"
#include "frontends/patch_panel.h"
#include "tl1/tl1_command.h"
#include "tl1/tl1_message.h"

namespace mixnet {
namespace {

constexpr int kMostTimeOut = 60;  // minutes
constexpr int kMostTag = 9'999;
constexpr int kMostChanges = 1'024;  // of a session, unanswered
constexpr std::string_view kVersion = "6.5.2.18";

Tl1Response completed(std::vector<std::string> rows = {}) { return {.rows = std::move(rows)}; }

Tl1Response denied(std::string_view code, std::string_view comment = {}) {
  return {.completion = Tl1Completion::kDenied,
          .error = std::string(code),
          .comment = std::string(comment)};
}

Tl1Response no_such_port(std::string_view port) {
  return denied("IDNV", fmt::format("Invalid OXC port: {}", port));
}

Tl1Response answer_of(const RequestAnswer& answer, int port) {
  switch (answer.refusal) {
    case Refusal::kNone:
      return completed();
    case Refusal::kNoSuchPort:
      return no_such_port(fmt::to_string(port));
    case Refusal::kBadPair:
      return denied("IDNV", fmt::format("Ports cannot be joined: {}", port));
    case Refusal::kPortInUse:
    case Refusal::kNoSuchPath:
      return denied("SROF", fmt::format("Port is in use: {}", port));
    case Refusal::kStuck:
      return denied("SROF", fmt::format("Port does not move: {}", port));
    case Refusal::kDenied:
      return denied("SROF", "Requested operation failed");
  }
  return denied("SROF");
}

/// One session, from connect to close.
class Tl1Conversation final : public Conversation,
                              public std::enable_shared_from_this<Tl1Conversation> {
 public:
  Tl1Conversation(DeviceHost& host, Tl1FrontendOptions options, Env& env,
                  std::shared_ptr<Speaker> speaker)
      : host_(host),
        options_(std::move(options)),
        env_(env),
        ports_(host.device().config()),
        speaker_(std::move(speaker)),
        idle_(host.io()) {}

  void hear(std::string_view bytes) override {
    reader_.feed(bytes, "a TL1 client");
    while (const std::optional<Tl1Command> command = reader_.next()) obey(*command);
    watch();
  }

  bool is_trusted() const override { return is_logged_in_; }

  void begin() {
    alarms_ = host_.on_event([this](const SwitchEvent& event) { report(event); });
  }

 private:
  using Handler = void (Tl1Conversation::*)(const Tl1Command&);
  static Handler handler_of(std::string_view verb);

  void say(const Tl1Command& command, Tl1Response response) {
    response.ctag = command.ctag;
    speaker_->say(encode_tl1(response, options_.sid, env_.wall_now()));
  }

  void obey(const Tl1Command& command) {
    if (!command.error.empty()) return say(command, denied(command.error, command.comment));
    if (!command.tid.empty() && command.tid != options_.sid) {
      return say(command, denied("IITA", "Mismatched TID"));
    }
    if (command.verb == "ACT-USER") return log_in(command);
    if (!is_logged_in_) return say(command, denied("PLNA", "Not logged in"));
    const Handler handler = handler_of(command.verb);
    if (handler == nullptr) return say(command, denied("ICNV"));
    (this->*handler)(command);
  }

  static std::string block(const Tl1Command& command, std::size_t index) {
    return index < command.blocks.size() ? command.blocks[index] : std::string();
  }

  // The session.

  void log_in(const Tl1Command& command) {
    const std::string password = split_tl1(block(command, 1), ',').front();
    const std::string user = split_tl1(command.aid, ',').front();
    if (user.empty()) return say(command, denied("IIAC", "Too few parameters (0/1)"));
    if (password.empty()) {
      return say(command, denied("IPMS", "Too few parameters (0/1) in block 1"));
    }
    if (is_logged_in_) return say(command, denied("SNVS", "Already logged in"));
    const auto known = options_.users.find(user);
    if (known == options_.users.end() || known->second != password) {
      return say(command, denied("PICC"));
    }
    is_logged_in_ = true;
    user_ = user;
    say(command, completed());
  }

  void log_out(const Tl1Command& command) {
    if (command.aid != user_) return say(command, denied("PICC", "Permission denied"));
    is_logged_in_ = false;
    say(command, completed());
  }

  void set_equipment(const Tl1Command& command) {
    if (same_word(command.aid, "BOOT")) return say(command, completed());
    if (!same_word(command.aid, "TIMEOUT")) return say(command, denied("IIAC"));
    const std::string settings = block(command, 2).empty() ? block(command, 1) : block(command, 2);
    auto value = tl1_parameter(settings, "ADMIN");
    if (!value) value = tl1_parameter(settings, "USER");
    if (!value) {
      const std::string_view name = std::string_view(settings).substr(0, settings.find('='));
      return say(command,
                 denied("IPNV", fmt::format("Unexpected parameter {} in block 2", shown(name))));
    }
    const auto minutes = number_in<int>(*value);
    if (!minutes || *minutes < 0 || *minutes > kMostTimeOut) {
      return say(command, denied("IPNV", "Parameter not valid"));
    }
    time_out_ = *minutes;
    say(command, completed());
  }

  /// After each command: a silent session is logged out.
  void watch() {
    if (!is_logged_in_ || time_out_ == 0) {
      idle_.cancel();
      return;
    }
    idle_.expires_after(std::chrono::minutes(time_out_));
    idle_.async_wait([weak = weak_from_this()](const std::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->is_logged_in_ = false;
    });
  }

  // What it is.

  void show_equipment(const Tl1Command& command) {
    const std::string settings = block(command, 2).empty() ? block(command, 1) : block(command, 2);
    const std::string what = tl1_parameter(settings, "PARAMETER").value_or("");
    if (same_word(command.aid, "SYSTEM") && same_word(what, "SIZE")) {
      const int n = ports_.numbering().positions;
      const bool is_one = ports_.numbering().sides == Sides::kOne;
      return say(command, completed({is_one ? fmt::format("SYSTEM:SIZE={}x0", n)
                                            : fmt::format("SYSTEM:SIZE={}x{}", n, n)}));
    }
    if (same_word(command.aid, "TIMEOUT")) {
      return say(command, completed({fmt::format("TIMEOUT:ADMIN={}", time_out_)}));
    }
    if (same_word(command.aid, "PMON") && same_word(what, "CONFIG")) {
      return with_ports(command, "ALL", [](Tl1Conversation& self, int port) -> std::string {
        const bool is_output = port > self.ports_.numbering().positions;
        return fmt::format("PMON::PORT={},MODE={}", port, is_output ? "OUTPUT" : "INPUT");
      });
    }
    say(command, denied("IIAC"));
  }

  void show_type(const Tl1Command& command) {
    const int n = ports_.numbering().positions;
    const bool is_one = ports_.numbering().sides == Sides::kOne;
    say(command, completed({fmt::format("MixNet,EMU-{}x{},OCS,{}", n,
                                        is_one ? "CC" : fmt::to_string(n), kVersion)}));
  }

  void show_header(const Tl1Command& command) { say(command, completed()); }
  void show_inventory(const Tl1Command& command) {
    say(command,
        completed({fmt::format("OCS:SN={:06}", host_.device().config().seed % 1'000'000)}));
  }

  // Alarms.

  void hold_alarms(const Tl1Command& command) {
    holds_alarms_ = true;
    say(command, completed());
  }
  void let_alarms(const Tl1Command& command) {
    holds_alarms_ = false;
    say(command, completed());
  }
  void show_alarms(const Tl1Command& command) {
    say(command, completed({holds_alarms_ ? "REPMGR:IND,," : "REPMGR:NONE,,"}));
  }

  void report(const SwitchEvent& event) {
    if (!is_logged_in_ || holds_alarms_) return;
    last_event_ = last_event_ % kMostTag + 1;
    Tl1Autonomous message{
        .level = event.level,
        .atag = fmt::to_string(last_event_),
        .verb = event.level == AlarmLevel::kEvent ? "REPT EVT EQPT" : "REPT ALM EQPT",
        .comment = {},
        .rows = {}};
    std::string condition = event.code;
    for (char& c : condition) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    message.rows.push_back(fmt::format("{}:{}:\"{}\"", event.port, condition, event.text));
    speaker_->say(encode_tl1(message, options_.sid, env_.wall_now()));
  }

  // Patches.

  void change(const Tl1Command& command, const PathRequest& request) {
    if (changes_ == kMostChanges) return say(command, denied("SARB", "Too many commands"));
    ++changes_;
    host_.request(request, [weak = weak_from_this(), command](const RequestAnswer& answer) {
      const auto self = weak.lock();
      if (!self) return;
      --self->changes_;
      if (answer.drop) return self->speaker_->close();
      if (!answer.silent) self->say(command, answer_of(answer, answer.port));
      if (answer.drop_after) self->speaker_->close();
    });
  }

  void connect(const Tl1Command& command) {
    const std::size_t comma = command.aid.find(',');
    const std::string_view ins = std::string_view(command.aid).substr(0, comma);
    const std::string_view outs =
        comma == std::string::npos ? "" : std::string_view(command.aid).substr(comma + 1);
    if (ins.empty() || outs.empty()) return say(command, denied("IIAC", "Empty parameters"));
    std::string wrong;
    const auto in = tl1_ports(ins, ports_.count(), wrong);
    if (!in) return say(command, no_such_port(wrong));
    const auto out = tl1_ports(outs, ports_.count(), wrong);
    if (!out) return say(command, no_such_port(wrong));
    if (in->size() != out->size()) {
      return say(command, denied("IDNV", "As many inputs as outputs are needed"));
    }
    std::vector<Patch> patches;
    for (std::size_t i = 0; i < in->size(); ++i) {
      const Patch patch = ports_.numbering().ordered({(*in)[i], (*out)[i]});
      if (!ports_.numbering().is_possible(patch)) {
        return say(command, denied("IDNV", fmt::format("Ports cannot be joined: {},{}", (*in)[i],
                                                       (*out)[i])));
      }
      patches.push_back(patch);
    }
    change(command, ports_.connect(patches));
  }

  void disconnect(const Tl1Command& command) {
    if (command.aid.empty() || same_word(command.aid, "ALL")) {
      return change(command, ports_.disconnect_all());
    }
    std::string wrong;
    const auto ports = tl1_ports(command.aid, ports_.count(), wrong);
    if (!ports) return say(command, no_such_port(wrong));
    change(command, ports_.disconnect(*ports));
  }

  /// As the fault plan lets it.
  void read(const Tl1Command& command, std::function<Tl1Response(Tl1Conversation&)> answer) {
    host_.read(
        [weak = weak_from_this(), command, answer = std::move(answer)](const ReadVerdict& verdict) {
          const auto self = weak.lock();
          if (!self) return;
          if (verdict.drop) return self->speaker_->close();
          if (verdict.silent) return;
          self->say(command,
                    verdict.deny ? denied("SROF", "Requested operation failed") : answer(*self));
        });
  }

  void show_patches(const Tl1Command& command) {
    std::vector<int> asked;
    if (!command.aid.empty() && !same_word(command.aid, "ALL")) {
      std::string wrong;
      const auto ports = tl1_ports(command.aid, ports_.count(), wrong);
      if (!ports) return say(command, no_such_port(wrong));
      asked = *ports;
    }
    read(command, [asked = std::move(asked)](Tl1Conversation& self) {
      const EmulatedSwitch& device = self.host_.device();
      std::vector<std::string> rows;
      std::vector<Patch> patches;
      if (asked.empty()) {
        patches = self.ports_.patches(device);
      } else {
        for (const int port : asked) {
          if (const auto patch = self.ports_.patch_of(device, port)) patches.push_back(*patch);
        }
        std::ranges::sort(patches);
        patches.erase(std::unique(patches.begin(), patches.end()), patches.end());
      }
      rows.reserve(patches.size());
      for (const Patch& patch : patches) rows.push_back(fmt::format("{},{}", patch.in, patch.out));
      return completed(std::move(rows));
    });
  }

  // Light.

  /// One row a port that `list` names, "" for all.
  void with_ports(const Tl1Command& command, std::string_view list,
                  std::function<std::string(Tl1Conversation&, int port)> row) {
    std::vector<int> ports;
    if (list.empty() || same_word(list, "ALL")) {
      for (int port = 1; port <= ports_.count(); ++port) ports.push_back(port);
    } else {
      std::string wrong;
      const auto named = tl1_ports(list, ports_.count(), wrong);
      if (!named) return say(command, no_such_port(wrong));
      ports = *named;
    }
    read(command, [ports = std::move(ports), row = std::move(row)](Tl1Conversation& self) {
      std::vector<std::string> rows;
      rows.reserve(ports.size());
      for (const int port : ports) rows.push_back(row(self, port));
      return completed(std::move(rows));
    });
  }

  void move_shutters(const Tl1Command& command, bool shut) {
    std::string wrong;
    std::vector<int> ports;
    if (command.aid.empty() || same_word(command.aid, "ALL")) {
      for (int port = 1; port <= ports_.count(); ++port) ports.push_back(port);
    } else {
      const auto named = tl1_ports(command.aid, ports_.count(), wrong);
      if (!named) return say(command, no_such_port(wrong));
      ports = *named;
    }
    for (const int port : ports) {
      host_.device().set_shutter(ports_.numbering().position(port), shut, host_.now());
    }
    host_.step();
    // After the step, in which it is saved.
    asio::post(host_.io(), [weak = weak_from_this(), command] {
      if (const auto self = weak.lock()) self->say(command, completed());
    });
  }
  void shut(const Tl1Command& command) { move_shutters(command, true); }
  void open(const Tl1Command& command) { move_shutters(command, false); }

  void show_shutters(const Tl1Command& command) {
    with_ports(command, command.aid, [](Tl1Conversation& self, int port) -> std::string {
      const int position = self.ports_.numbering().position(port);
      const std::string_view word = [&] {
        switch (self.host_.device().state(position)) {
          case PortState::kOpen:
            return "OPEN";
          case PortState::kBlocked:
            return "CLOSED";
          case PortState::kMoving:
            return "MOVING";
          case PortState::kFailed:
            return "FAILED";
        }
        return "";
      }();
      return fmt::format("{}:{}", port, word);
    });
  }

  void show_power(const Tl1Command& command) {
    with_ports(command, command.aid, [](Tl1Conversation& self, int port) -> std::string {
      return fmt::format("{}:{:.2f}", port, self.ports_.power(self.host_.device(), port));
    });
  }

  void show_monitors(const Tl1Command& command) {
    with_ports(command, command.aid, [](Tl1Conversation&, int port) -> std::string {
      return fmt::format("{}:1310.0,0.00,1", port);
    });
  }
  void set_monitors(const Tl1Command& command) { say(command, completed()); }

  // The whole.

  void restart(const Tl1Command& command) {
    const std::string phase = block(command, 1).empty() ? block(command, 0) : block(command, 1);
    if (phase == "10") {
      say(command, completed());
      Fault reboot;
      reboot.kind = FaultKind::kReboot;
      host_.device().strike(reboot, host_.now());
      return host_.step();
    }
    if (phase != "1") return say(command, denied("IDNV", fmt::format("Invalid value {}", phase)));
    for (int position = 1; position <= ports_.numbering().positions; ++position) {
      host_.device().set_shutter(position, false, host_.now());
    }
    change(command, ports_.disconnect_all());
  }

  DeviceHost& host_;
  Tl1FrontendOptions options_;
  Env& env_;
  PatchPanel ports_;
  std::shared_ptr<Speaker> speaker_;
  asio::steady_timer idle_;
  Tl1CommandReader reader_;
  DeviceHost::Subscription alarms_;
  bool is_logged_in_ = false;
  bool holds_alarms_ = false;
  std::string user_;
  int time_out_ = kMostTimeOut;
  int last_event_ = 0;
  int changes_ = 0;  ///< not answered yet
};

/// Null: there is no such command.
Tl1Conversation::Handler Tl1Conversation::handler_of(std::string_view verb) {
  static const std::map<std::string_view, Handler> kHandlers = {
      {"ENT-PATCH", &Tl1Conversation::connect},
      {"DLT-PATCH", &Tl1Conversation::disconnect},
      {"RTRV-PATCH", &Tl1Conversation::show_patches},
      {"RTRV-PORT-POWER", &Tl1Conversation::show_power},
      {"RTRV-PORT-SHUTTER", &Tl1Conversation::show_shutters},
      {"OPR-PORT-SHUTTER", &Tl1Conversation::shut},
      {"RLS-PORT-SHUTTER", &Tl1Conversation::open},
      {"RTRV-PORT-PMON", &Tl1Conversation::show_monitors},
      {"SET-PORT-PMON", &Tl1Conversation::set_monitors},
      {"RTRV-NETYPE", &Tl1Conversation::show_type},
      {"RTRV-EQPT", &Tl1Conversation::show_equipment},
      {"ED-EQPT", &Tl1Conversation::set_equipment},
      {"RTRV-HDR", &Tl1Conversation::show_header},
      {"RTRV-INV", &Tl1Conversation::show_inventory},
      {"OPR-ARC-EQPT", &Tl1Conversation::hold_alarms},
      {"RLS-ARC-EQPT", &Tl1Conversation::let_alarms},
      {"RTRV-ARC-EQPT", &Tl1Conversation::show_alarms},
      {"INIT-SYS", &Tl1Conversation::restart},
      {"CANC-USER", &Tl1Conversation::log_out},
  };
  const auto found = kHandlers.find(verb);
  return found == kHandlers.end() ? nullptr : found->second;
}

}  // namespace

StartConversation tl1_conversations(DeviceHost& host, Tl1FrontendOptions options, Env& env) {
  return [&host, options = std::move(options), &env](const std::shared_ptr<Speaker>& speaker) {
    auto conversation = std::make_shared<Tl1Conversation>(host, options, env, speaker);
    conversation->begin();
    return conversation;
  };
}

}  // namespace mixnet
