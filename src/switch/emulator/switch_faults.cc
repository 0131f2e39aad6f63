#include "emulator/switch_faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text_fields.h"
#include "base/units.h"

namespace mixnet {
namespace {

constexpr std::string_view kNothingAsked = "nothing is asked that it could be the answer to";
constexpr std::string_view kAnsweredBefore = "the answer is out";
constexpr std::string_view kReadMovesNothing = "a read moves nothing";
constexpr std::string_view kMovesOnly = "a port sticks at rest or when it should move";
constexpr std::string_view kAtRest =
    "all that moves has come to rest; what is lost then is lost-circuit";

constexpr ImpossibleFault kImpossible[] = {
    {FaultKind::kDeny, FaultStage::kIdle, kNothingAsked},
    {FaultKind::kDeny, FaultStage::kAnswered, kAnsweredBefore},
    {FaultKind::kSilence, FaultStage::kIdle, kNothingAsked},
    {FaultKind::kSilence, FaultStage::kAnswered, kAnsweredBefore},
    {FaultKind::kHalfApplied, FaultStage::kIdle, kNothingAsked},
    {FaultKind::kHalfApplied, FaultStage::kSettled, kAtRest},
    {FaultKind::kHalfApplied, FaultStage::kAnswered, kAtRest},
    {FaultKind::kHalfApplied, FaultStage::kReading, kReadMovesNothing},
    {FaultKind::kSlow, FaultStage::kIdle, kNothingAsked},
    {FaultKind::kSlow, FaultStage::kReceived, "what takes time is the move: slow@moving"},
    {FaultKind::kSlow, FaultStage::kAnswered, kAnsweredBefore},
    {FaultKind::kStuck, FaultStage::kSettled, kMovesOnly},
    {FaultKind::kStuck, FaultStage::kAnswered, kMovesOnly},
    {FaultKind::kStuck, FaultStage::kReading, kReadMovesNothing},
    {FaultKind::kStuckSilently, FaultStage::kReceived, "nobody sees it before the move"},
    {FaultKind::kStuckSilently, FaultStage::kSettled, kMovesOnly},
    {FaultKind::kStuckSilently, FaultStage::kAnswered, kMovesOnly},
    {FaultKind::kStuckSilently, FaultStage::kReading, kReadMovesNothing},
};

constexpr std::int64_t kMostAfter = 1'000'000'000;

/// KIND@STAGE.
void read_kind(std::string_view word, std::string_view input, Fault& fault) {
  const std::size_t at = word.find('@');
  if (at == std::string_view::npos) {
    throw Error(input, fmt::format("fault '{}' names no stage", shown(word)),
                "KIND@STAGE, as in deny@received");
  }
  fault.kind = parse<FaultKind>(shown(word.substr(0, at)), input);
  fault.stage = parse<FaultStage>(shown(word.substr(at + 1)), input);
  const std::string_view reason = why_impossible(fault.kind, fault.stage);
  if (!reason.empty()) {
    throw Error(input,
                fmt::format("{}@{} cannot be", to_string(fault.kind), to_string(fault.stage)),
                reason);
  }
}

double read_rate(std::string_view text, std::string_view input) {
  const std::optional<double> rate = number_in<double>(text);
  if (!rate || !(*rate > 0) || !(*rate <= 1)) {
    throw Error(input, fmt::format("rate '{}' is no probability", shown(text)), "over 0, up to 1");
  }
  return *rate;
}

void read_option(std::string_view word, std::string_view input, int ports, Fault& fault) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
  const TextPlace place{.input = input};
  const auto whole = [&](std::string_view noun, std::int64_t least, std::int64_t most) {
    return parse_whole(value, {.name = name, .noun = noun, .least = least, .most = most}, place);
  };
  if (same_word(name, "port")) {
    fault.port = static_cast<int>(whole("position", 1, ports));
  } else if (same_word(name, "with")) {
    fault.with = static_cast<int>(whole("position", 1, ports));
  } else if (same_word(name, "after")) {
    fault.after = whole("number", 0, kMostAfter);
  } else if (same_word(name, "for")) {
    fault.lasts = Duration::of(parse_time(value, input));
  } else if (same_word(name, "rate")) {
    fault.rate = read_rate(value, input);
  } else {
    const std::string known[] = {"port", "with", "after", "for", "rate"};
    refuse_name(shown(name), input, "word of a fault", known);
  }
}

}  // namespace

std::span<const ImpossibleFault> impossible_faults() { return kImpossible; }

std::string_view why_impossible(FaultKind kind, FaultStage stage) {
  for (const ImpossibleFault& pair : kImpossible) {
    if (pair.kind == kind && pair.stage == stage) return pair.reason;
  }
  return {};
}

std::string to_string(const Fault& fault) {
  std::string text = fmt::format("{}@{}", to_string(fault.kind), to_string(fault.stage));
  if (fault.port != 0) text += fmt::format(" port={}", fault.port);
  if (fault.with != 0) text += fmt::format(" with={}", fault.with);
  if (fault.after != 0) text += fmt::format(" after={}", fault.after);
  if (fault.lasts) text += fmt::format(" for={}ns", fault.lasts->ns);
  if (fault.rate > 0) text += fmt::format(" rate={}", fault.rate);
  return text;
}

Fault parse_fault(std::string_view text, std::string_view input, int ports) {
  std::string_view rest = trimmed(text);
  Fault fault;
  read_kind(take_word(rest), input, fault);
  while (!rest.empty()) read_option(take_word(rest), input, ports, fault);
  if (fault.with != 0 && (fault.kind != FaultKind::kSwapped || fault.port == fault.with)) {
    throw Error(input, "with= names the other of two swapped ports", "swapped@idle port=3 with=4");
  }
  return fault;
}

std::int64_t SwitchFaults::count(FaultKind kind, FaultStage stage) const {
  return counts_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(stage)];
}

void SwitchFaults::record(FaultKind kind, FaultStage stage) {
  ++counts_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(stage)];
}

std::optional<Fault> SwitchFaults::strike(FaultStage stage, std::span<const int> ports) {
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    Fault& fault = armed_[i];
    if (fault.stage != stage) continue;
    if (fault.port != 0 && !is_event(fault.kind) && !ports.empty() &&
        std::ranges::find(ports, fault.port) == ports.end()) {
      continue;
    }
    if (fault.after > 0) {
      --fault.after;
      continue;
    }
    if (fault.rate > 0 && random_.uniform() >= fault.rate) continue;
    Fault struck = fault;
    if (fault.rate == 0) armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(i));
    return struck;
  }
  return std::nullopt;
}

}  // namespace mixnet
