#include "frontends/scpi_frontend.h"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text_fields.h"
#include "frontends/patch_panel.h"
#include "scpi/scpi_text.h"

namespace mixnet {
namespace {

// SCPI-1999, volume 2, chapter 21.
constexpr int kUndefinedHeader = -113;
constexpr int kMissingParameter = -109;
constexpr int kExecutionError = -200;
constexpr int kSettingsConflict = -221;
constexpr int kOutOfRange = -222;

constexpr std::size_t kMostWaiting = 4'096;  // commands
constexpr int kMostChanges = 1'024;          // not done yet
constexpr std::size_t kMostPowers = 256;     // ports of one query

class ScpiConversation final : public Conversation,
                               public std::enable_shared_from_this<ScpiConversation> {
 public:
  ScpiConversation(DeviceHost& host, std::shared_ptr<Speaker> speaker)
      : host_(host), panel_(host.device().config()), speaker_(std::move(speaker)) {}

  void hear(std::string_view bytes) override {
    const bool is_fine = lines_.feed(bytes);
    while (const std::optional<std::string> line = lines_.next()) {
      std::vector<ScpiCommand> commands = parse_scpi_commands(*line);
      if (commands.empty()) continue;
      for (ScpiCommand& command : commands) waiting_.push_back({std::move(command), false});
      waiting_.back().ends_line = true;
    }
    if (!is_fine || waiting_.size() > kMostWaiting) throw Error("a SCPI client", "sent too much");
    go_on();
  }

  bool is_trusted() const override { return is_trusted_; }

 private:
  using Handler = void (ScpiConversation::*)(const std::string& parameters);
  struct Waiting {
    ScpiCommand command;
    bool ends_line = false;
  };

  /// Carries out what need not wait.
  void go_on() {
    if (std::exchange(is_going_, true)) return;  // an answer that came at once: the loop goes on
    while (!waiting_.empty() && !is_reading_) {
      const ScpiCommand& command = waiting_.front().command;
      const bool waits = is_scpi(command.header, "*OPC?") || is_scpi(command.header, "*WAI") ||
                         command.header.starts_with("SYST");
      if ((waits && changes_ > 0) || changes_ >= kMostChanges) break;
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      ends_line_ = next.ends_line;
      obey(next.command);
      if (!is_reading_) end_command();
    }
    is_going_ = false;
  }

  /// The answers of a line go together.
  void end_command() {
    if (!ends_line_ || answers_.empty()) return;
    speaker_->say(std::exchange(answers_, {}) + "\r\n");
  }

  void answer(std::string_view text) {
    if (!answers_.empty()) answers_ += ';';
    answers_ += text;
  }

  void obey(const ScpiCommand& command) {
    const Handler handler = handler_of(command.header);
    if (handler == nullptr) return errors_.push(kUndefinedHeader);
    is_trusted_ = true;
    (this->*handler)(command.parameters);
  }

  static Handler handler_of(std::string_view header);

  /// As many lists as asked for, or an error in the queue.
  std::optional<std::vector<std::vector<int>>> lists(const std::string& text, std::size_t count) {
    int code = 0;
    auto lists = parse_scpi_lists(text, panel_.count(), code);
    if (lists && lists->size() == count) return lists;
    errors_.push(lists || code == 0 ? kMissingParameter : code);
    return std::nullopt;
  }

  // Changes.

  void change(const PathRequest& request) {
    ++changes_;
    host_.request(request, [weak = weak_from_this()](const RequestAnswer& answer) {
      const auto self = weak.lock();
      if (!self) return;
      if (answer.drop) return self->speaker_->close();
      if (answer.silent) return;  // *opc? is never answered
      --self->changes_;
      if (answer.refusal == Refusal::kPortInUse || answer.refusal == Refusal::kNoSuchPath) {
        self->errors_.push(kSettingsConflict);
      } else if (answer.refusal != Refusal::kNone) {
        self->errors_.push(kExecutionError);
      }
      self->go_on();
      if (answer.drop_after) self->speaker_->close();
    });
  }

  std::optional<std::vector<Patch>> patches(const std::string& parameters) {
    const auto both = lists(parameters, 2);
    if (!both) return std::nullopt;
    const std::vector<int>& ins = (*both)[0];
    const std::vector<int>& outs = (*both)[1];
    std::vector<Patch> patches;
    for (std::size_t i = 0; i < ins.size() && ins.size() == outs.size(); ++i) {
      patches.push_back(panel_.numbering().ordered({ins[i], outs[i]}));
      if (!panel_.numbering().is_possible(patches.back())) patches.clear();
      if (patches.empty()) break;
    }
    if (!patches.empty() || (ins.empty() && outs.empty())) return patches;
    errors_.push(kOutOfRange);
    return std::nullopt;
  }

  void add(const std::string& parameters) {
    const auto wanted = patches(parameters);
    if (wanted && !wanted->empty()) change(panel_.connect(*wanted));
  }

  /// Pairs by position, or inputs alone.
  void subtract(const std::string& parameters) {
    const auto both = lists(parameters, 2);
    if (!both) return;
    const std::vector<int>& ports = both->front().empty() ? both->back() : both->front();
    if (!ports.empty()) change(panel_.disconnect(ports));
  }

  void only(const std::string& parameters) {
    const auto wanted = patches(parameters);
    if (!wanted) return;
    PathRequest request = panel_.disconnect_all();
    request.add = panel_.connect(*wanted).add;
    change(request);
  }

  void clear_all(const std::string& /*parameters*/) { change(panel_.disconnect_all()); }

  // Reads.

  void read(std::function<void(ScpiConversation&)> then) {
    is_reading_ = true;
    host_.read([weak = weak_from_this(), then = std::move(then)](const ReadVerdict& verdict) {
      const auto self = weak.lock();
      if (!self) return;
      if (verdict.drop) return self->speaker_->close();
      if (verdict.silent) {
        self->answers_.clear();
      } else if (verdict.deny) {
        self->errors_.push(kExecutionError);
      } else {
        then(*self);
      }
      self->is_reading_ = false;
      self->end_command();
      self->go_on();
    });
  }

  void show_connections(const std::string& /*parameters*/) {
    read([](ScpiConversation& self) {
      self.answer(write_scpi_patches(self.panel_.patches(self.host_.device())));
    });
  }

  std::optional<int> port(const std::string& text) {
    const auto number = number_in<int>(trimmed(text));
    if (number && *number >= 1 && *number <= panel_.count()) return number;
    errors_.push(trimmed(text).empty() ? kMissingParameter : kOutOfRange);
    return std::nullopt;
  }

  void show_port(const std::string& parameters) {
    const auto asked = port(parameters);
    if (!asked) return;
    read([asked = *asked](ScpiConversation& self) {
      const auto patch = self.panel_.patch_of(self.host_.device(), asked);
      const int other = !patch ? 0 : patch->in == asked ? patch->out : patch->in;
      self.answer(other == 0 ? "\"\"" : fmt::format("\"{}\"", other));
    });
  }

  void show_size(const std::string& /*parameters*/) {
    const PortNumbering& numbering = panel_.numbering();
    answer(fmt::format("{},{}", numbering.positions,
                       numbering.sides == Sides::kOne ? 0 : numbering.positions));
  }

  /// Those asked for, or all.
  std::optional<std::vector<int>> some_ports(const std::string& parameters) {
    if (!trimmed(parameters).empty()) {
      auto named = lists(parameters, 1);
      return named ? std::optional(std::move(named->front())) : std::nullopt;
    }
    std::vector<int> all;
    for (int each = 1; each <= panel_.count(); ++each) all.push_back(each);
    return all;
  }

  void move_shutters(const std::string& parameters, bool shut) {
    const auto ports = some_ports(parameters);
    if (!ports) return;
    for (const int each : *ports) {
      host_.device().set_shutter(panel_.numbering().position(each), shut, host_.now());
    }
    host_.step();
    // Done when the step has been that saves it.
    ++changes_;
    asio::post(host_.io(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      --self->changes_;
      self->go_on();
    });
  }
  void disable(const std::string& parameters) { move_shutters(parameters, true); }
  void enable(const std::string& parameters) { move_shutters(parameters, false); }

  void show_states(const std::string& parameters) {
    const auto ports = some_ports(parameters);
    if (!ports) return;
    read([ports = *ports](ScpiConversation& self) {
      std::string text;
      for (const int each : ports) {
        const PortState state = self.host_.device().state(self.panel_.numbering().position(each));
        text += text.empty() ? "(" : ",";
        text += state == PortState::kFailed ? "F" : state == PortState::kBlocked ? "D" : "E";
      }
      self.answer(text + ")");
    });
  }

  void show_power(const std::string& parameters) {
    const auto ports = lists(parameters, 1);
    if (!ports) return;
    if (ports->front().empty() || ports->front().size() > kMostPowers) {
      return errors_.push(kOutOfRange);
    }
    read([ports = ports->front()](ScpiConversation& self) {
      std::string text;
      for (const int each : ports) {
        text += text.empty() ? "(" : ",";
        text += fmt::format("{:.2f}", self.panel_.power(self.host_.device(), each));
      }
      self.answer(text + ")");
    });
  }

  // What is common to instruments.

  void identify(const std::string& /*parameters*/) {
    const int n = panel_.numbering().positions;
    answer(
        fmt::format("MixNet,EMU-{}x{},{:06},6.5.2.18", n,
                    panel_.numbering().sides == Sides::kOne ? std::string("CC") : fmt::to_string(n),
                    host_.device().config().seed % 1'000'000));
  }
  void show_error(const std::string& /*parameters*/) {
    const ScpiError error = errors_.take();
    answer(fmt::format("{},\"{}\"", error.code, error.text));
  }
  void show_errors(const std::string& /*parameters*/) {
    const std::vector<ScpiError> errors = errors_.take_all();
    answer(errors.front().code == 0 ? "0,\"No error\"" : write_scpi_errors(errors));
  }
  void complete(const std::string& /*parameters*/) { answer("1"); }
  void nothing(const std::string& /*parameters*/) {}
  void clear_errors(const std::string& /*parameters*/) { errors_.clear(); }

  DeviceHost& host_;
  PatchPanel panel_;
  std::shared_ptr<Speaker> speaker_;
  ScpiLines lines_;
  std::deque<Waiting> waiting_;
  ScpiErrorQueue errors_;
  std::string answers_;
  int changes_ = 0;  ///< not done yet
  bool is_reading_ = false;
  bool is_going_ = false;
  bool ends_line_ = false;
  bool is_trusted_ = false;
};

/// Null: there is no such command.
ScpiConversation::Handler ScpiConversation::handler_of(std::string_view header) {
  static const std::pair<std::string_view, Handler> kHandlers[] = {
      {"OXC:SWITch:CONNect:ADD", &ScpiConversation::add},
      {"OXC:SWITch:CONNect:SUB", &ScpiConversation::subtract},
      {"OXC:SWITch:CONNect:STATe?", &ScpiConversation::show_connections},
      {"OXC:SWITch:CONNect:PORT?", &ScpiConversation::show_port},
      {"OXC:SWITch:CONNect:ONLY", &ScpiConversation::only},
      {"OXC:SWITch:DISConnect:ALL", &ScpiConversation::clear_all},
      {"OXC:SWITch:SIZE?", &ScpiConversation::show_size},
      {"OXC:SWITch:PORT:STATe?", &ScpiConversation::show_states},
      {"OXC:SWITch:PORT:DISable", &ScpiConversation::disable},
      {"OXC:SWITch:PORT:ENABle", &ScpiConversation::enable},
      {"PMON:POWer?", &ScpiConversation::show_power},
      {"SYSTem:ERRor?", &ScpiConversation::show_error},
      {"SYSTem:ERRor:NEXT?", &ScpiConversation::show_error},
      {"SYSTem:ERRor:ALL?", &ScpiConversation::show_errors},
      {"*IDN?", &ScpiConversation::identify},
      {"*OPC?", &ScpiConversation::complete},
      {"*WAI", &ScpiConversation::nothing},
      {"*CLS", &ScpiConversation::clear_errors},
      {"*RST", &ScpiConversation::clear_all},
  };
  for (const auto& [pattern, handler] : kHandlers) {
    if (is_scpi(header, pattern)) return handler;
  }
  return nullptr;
}

}  // namespace

StartConversation scpi_conversations(DeviceHost& host) {
  return [&host](const std::shared_ptr<Speaker>& speaker) {
    return std::make_shared<ScpiConversation>(host, speaker);
  };
}

}  // namespace mixnet
