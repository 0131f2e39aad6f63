#include "control_conversation.h"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/text_fields.h"

namespace mixnet::ocs {
namespace {

constexpr std::size_t kLongest = 4'096;

class ControlConversation final : public Conversation {
 public:
  ControlConversation(DeviceHost& host, const DataPlane& plane, std::shared_ptr<Speaker> speaker)
      : host_(host), plane_(plane), speaker_(std::move(speaker)) {}

  bool is_trusted() const override { return true; }

  void hear(std::string_view bytes) override {
    text_ += bytes;
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      std::string text;
      try {
        text = answer(trimmed(line));
      } catch (const Error& error) {
        text = fmt::format("error {}\n", error.what());
      }
      // After the step that saves what was done.
      asio::post(host_.io(), [speaker = speaker_, text] { speaker->say(text); });
    }
    if (text_.size() > kLongest) throw Error("control", "a line is too long");
  }

 private:
  int ports() { return host_.device().config().ports; }

  int position(std::string_view word) {
    const auto number = number_in<int>(word);
    if (!number || *number < 1 || *number > ports()) {
      throw Error("control", fmt::format("'{}' is no position", shown(word)),
                  fmt::format("1 to {}", ports()));
    }
    return *number;
  }

  static double decibels(std::string_view word) {
    const auto number = number_in<double>(word);
    if (!number || !(*number >= -60 && *number <= 60)) {
      throw Error("control", fmt::format("'{}' is no power or loss", shown(word)), "-60 to 60");
    }
    return *number;
  }

  std::string answer(std::string_view line) {
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    EmulatedSwitch& device = host_.device();
    if (word == "fault") {
      device.strike(parse_fault(rest, "control", ports()), host_.now());
    } else if (word == "heal") {
      device.heal(host_.now());
    } else if (word == "power") {
      const int at = position(take_word(rest));
      device.light().set_input(at, rest == "off" ? std::nullopt : std::optional(decibels(rest)));
      device.refresh_light(host_.now());
    } else if (word == "loss") {
      const int at = position(take_word(rest));
      const std::string_view end = take_word(rest);
      if (end != "in" && end != "out") throw Error("control", "which fibre", "loss N in|out DB");
      device.light().set_fibre_loss(at, end == "in" ? FibreEnd::kIn : FibreEnd::kOut,
                                    decibels(rest));
      device.refresh_light(host_.now());
    } else if (word == "label") {
      const int at = position(take_word(rest));
      if (rest.size() > kMostLabel) {
        throw Error("control", "the label is too long", fmt::format("{} bytes", kMostLabel));
      }
      device.set_label(at, std::string(rest));
    } else if (word == "swap") {
      const int a = position(take_word(rest));
      const int b = position(rest);
      device.light().swap(a, b, FibreEnd::kIn);
      device.light().swap(a, b, FibreEnd::kOut);
      device.refresh_light(host_.now());
    } else if (word == "faults") {
      return faults() + "ok\n";
    } else if (word == "ports") {
      return list() + "ok\n";
    } else {
      throw Error("control", fmt::format("'{}' is no command", shown(word)),
                  "fault, heal, power, loss, label, swap, faults, ports");
    }
    host_.step();
    return "ok\n";
  }

  std::string faults() {
    std::string text;
    for (const auto& kind : Names<FaultKind>::kTable) {
      for (const auto& stage : Names<FaultStage>::kTable) {
        const std::int64_t count = host_.device().faults().count(kind.value, stage.value);
        if (count > 0) text += fmt::format("{} {} {}\n", kind.name, stage.name, count);
      }
    }
    return text;
  }

  std::string list() {
    std::string text;
    const EmulatedSwitch& device = host_.device();
    for (int at = 1; at <= device.config().ports; ++at) {
      const PortReading reading = device.reading(at);
      const PortCounters counters = plane_.counters(at);
      text +=
          fmt::format("{} {} {} {:.2f} {:.2f} {} {} {} {} {}\n", at, to_string(device.state(at)),
                      device.path_from(at), reading.input_dbm.value_or(kDarkDbm),
                      reading.output_dbm.value_or(kDarkDbm), device.wear(at), counters.frames,
                      counters.passed, counters.dark, device.light().label(at));
    }
    return text;
  }

  DeviceHost& host_;
  const DataPlane& plane_;
  std::shared_ptr<Speaker> speaker_;
  std::string text_;
};

}  // namespace

StartConversation control_conversations(DeviceHost& host, const DataPlane& plane) {
  return [&host, &plane](const std::shared_ptr<Speaker>& speaker) {
    return std::make_shared<ControlConversation>(host, plane, speaker);
  };
}

}  // namespace mixnet::ocs
