#include "interop/connection_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/random.h"
#include "base/suggest.h"
#include "base/text_fields.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;
constexpr std::int64_t kAbsent = -1;  // of a number that is otherwise >= 0

enum Header : std::uint8_t { kNodes, kConnections, kTriggers, kFailures, kHeaders };
constexpr std::array<WholeField, kHeaders> kHeaderFields = {{
    {"Nodes", "number of hosts", 2, kMaxFlowHosts},
    {"Connections", "number of flows", 1, kMaxFlows},
    {"Triggers", "number of triggers", 0, kMaxFlows},
    {"Failures", "number of link failures", 0, kMaxFlows},
}};

enum FlowWord : std::uint8_t {
  kFlowId,
  kStart,
  kAfter,
  kSize,
  kSendDone,
  kRecvDone,
  kPrio,
  kMessage,
  kFlowWords
};
constexpr std::array<WholeField, kFlowWords> kFlowFields = {{
    {"id", "number", 1, kMaxId},
    {"start", "number of picoseconds", 0, kMaxFlowStart.ps},
    {"trigger", "number, the id of a trigger", 1, kMaxId},
    {"size", "number of bytes", 1, kMaxFlowBytes.count},
    {"send_done_trigger", "number, the id of a trigger", 1, kMaxId},
    {"recv_done_trigger", "number, the id of a trigger", 1, kMaxId},
    {"prio", "number", 0, kMaxId},
    {"msg", "number", 1, kMaxId},
}};

enum TriggerWord : std::uint8_t {
  kTriggerId,
  kCount,
  kOneshot,
  kBarrier,
  kMultishot,
  kTriggerWords
};
constexpr std::array<WholeField, kTriggerWords> kTriggerFields = {{
    {"id", "number", 1, kMaxId},
    {"count", "number of activations", 1, kMaxFlows},
    {"oneshot", {}, 0, 0},
    {"barrier", {}, 0, 0},
    {"multishot", {}, 0, 0},
}};

/// Ids come from outside: mixed, as the identity would let them all fall into one bucket.
struct IdHash {
  std::size_t operator()(std::int64_t id) const { return mix64(static_cast<std::uint64_t>(id)); }
};

std::string known_words(std::string_view word, std::span<const WholeField> fields,
                        std::initializer_list<std::string_view> others = {}) {
  std::vector<std::string> known;
  for (const WholeField& field : fields) known.emplace_back(field.name);
  known.insert(known.end(), others.begin(), others.end());
  return suggest(word, known);
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view input) : lines_(text), input_(input) {
    headers_.fill(kAbsent);
  }

  FlowList read() {
    while (lines_.next()) read_line();
    check_headers({input_});
    list_.hosts = static_cast<int>(headers_[kNodes]);
    check_count(kConnections, list_.flows.size(), "flows");
    check_count(kTriggers, defined_, "triggers");
    check_triggers();
    check_starts();
    return std::move(list_);
  }

 private:
  /// What is known of a trigger beside its FlowTrigger.
  struct TriggerNote {
    std::size_t mentioned = 0;  // line of the first mention
    std::size_t defined = 0;    // line of its definition, 0 before that
  };

  TextPlace here() const { return {input_, lines_.number()}; }

  void read_line() {
    std::string_view rest = lines_.line();
    const std::string_view word = take_word(rest);
    const auto header = std::ranges::find(kHeaderFields, word, &WholeField::name);
    if (header != kHeaderFields.end()) {
      read_header(static_cast<std::size_t>(header - kHeaderFields.begin()), rest);
    } else if (const auto arrow = word.find("->"); arrow != std::string_view::npos) {
      read_flow(word.substr(0, arrow), word.substr(arrow + 2), rest);
    } else if (word == "trigger") {
      read_trigger(rest);
    } else if (word == "failure") {
      refuse_failures();
    } else {
      throw here().error(fmt::format("starts with '{}'", shown(word)),
                         known_words(word, kHeaderFields, {"trigger", "SRC->DST"}));
    }
  }

  void read_header(std::size_t which, std::string_view rest) {
    const WholeField& field = kHeaderFields[which];
    if (!list_.flows.empty() || !list_.triggers.empty()) {
      throw here().error(fmt::format("'{}' stands after a flow or trigger", field.name),
                         "give it before the first of them");
    }
    if (headers_[which] != kAbsent) {
      throw here().error(fmt::format("'{}' is given twice", field.name), "give it once");
    }
    headers_[which] = parse_whole(take_word(rest), field, here());
    header_lines_[which] = lines_.number();
    if (!rest.empty()) {
      throw here().error(fmt::format("'{}' stands after the number", shown(rest)),
                         fmt::format("give '{} NUMBER' alone on the line", field.name));
    }
    if (which == kFailures && headers_[which] > 0) refuse_failures();
  }

  [[noreturn]] void refuse_failures() const {
    throw here().error("asks for link failures, which are not read from flow files",
                       "leave out 'Failures' and the lines that begin with 'failure'");
  }

  void check_headers(const TextPlace& place) const {
    for (const Header which : {kNodes, kConnections}) {
      if (headers_[which] != kAbsent) continue;
      throw place.error(fmt::format("has no '{}' line{}", kHeaderFields[which].name,
                                    place.line == 0 ? "" : " before it"),
                        "begin with 'Nodes N' and 'Connections M', then a line for each flow");
    }
  }

  void read_flow(std::string_view from, std::string_view to, std::string_view rest) {
    check_headers(here());
    FlowRecord flow;
    const std::int64_t last_host = headers_[kNodes] - 1;
    flow.from = static_cast<int>(parse_whole(from, {"sender", "number", 0, last_host}, here()));
    flow.to = static_cast<int>(parse_whole(to, {"receiver", "number", 0, last_host}, here()));
    if (flow.from == flow.to) {
      throw here().error(fmt::format("host {} sends to itself", flow.from),
                         "give flows between two hosts");
    }
    const auto values = read_words(kFlowFields, rest);
    if (values[kSize] == kAbsent) {
      throw here().error("the flow has no size", "give 'size BYTES'");
    }
    if ((values[kStart] == kAbsent) == (values[kAfter] == kAbsent)) {
      throw here().error(values[kStart] == kAbsent ? "the flow has neither 'start' nor 'trigger'"
                                                   : "the flow has both 'start' and 'trigger'",
                         "give 'start PICOSECONDS' or 'trigger ID'");
    }
    if (values[kSendDone] != kAbsent && values[kRecvDone] != kAbsent) {
      throw here().error("the flow has both 'send_done_trigger' and 'recv_done_trigger'",
                         "a flow fires one trigger");
    }
    join_connection(values[kFlowId], values[kMessage], flow);
    if (list_.flows.size() == kMaxFlows) {
      throw here().error(fmt::format("more than {} flows", kMaxFlows), "give fewer");
    }
    flow.bytes = {values[kSize]};
    if (total_ += flow.bytes; total_ > kMaxFlowBytes) {
      throw here().error("the flows add up to over 2^53 bytes (9 PB)",
                         "give fewer or smaller ones");
    }
    if (values[kStart] != kAbsent) {
      flow.start = {values[kStart]};
    } else {
      flow.after = trigger_index(values[kAfter]);
    }
    const std::int64_t fires = std::max(values[kSendDone], values[kRecvDone]);
    if (fires != kAbsent) flow.fires = trigger_index(fires);
    list_.flows.push_back(flow);
    flow_lines_.push_back(lines_.number());
  }

  /// A flow of an id of its own, or the next message of the connection that has the id.
  void join_connection(std::int64_t id, std::int64_t message, const FlowRecord& flow) {
    const int index = static_cast<int>(list_.flows.size());
    if (message == kAbsent || id == kAbsent) {
      if (message != kAbsent) throw here().error("has a 'msg' and no 'id'", "give both");
      if (id != kAbsent && !connections_.try_emplace(id, index).second) {
        throw here().error(fmt::format("flow id {} is given twice", id),
                           "give each flow an id of its own, or none, or each a 'msg'");
      }
      if (!list_.behind.empty()) list_.behind.push_back(-1);
      return;
    }
    const auto other = messages_.lower_bound({id, 0});
    const bool has_others = other != messages_.end() && other->first == id;
    if (!messages_.emplace(id, message).second) {
      throw here().error(fmt::format("message {} of flow {} is given twice", message, id),
                         "give each message a number of its own");
    }
    const auto [last, is_new] = connections_.try_emplace(id, index);
    list_.behind.resize(list_.flows.size(), -1);
    list_.behind.push_back(is_new ? -1 : last->second);
    if (is_new) return;
    const FlowRecord& before = list_.flows[static_cast<std::size_t>(last->second)];
    if (before.from != flow.from || before.to != flow.to || !has_others) {
      throw here().error(fmt::format("flow id {} is given twice", id),
                         "give messages of one flow the same ends, and each a 'msg'");
    }
    last->second = index;
  }

  void read_trigger(std::string_view rest) {
    check_headers(here());
    const auto values = read_words(kTriggerFields, rest);
    const int kinds = (values[kOneshot] != kAbsent) + (values[kBarrier] != kAbsent) +
                      (values[kMultishot] != kAbsent);
    if (values[kTriggerId] == kAbsent || kinds != 1 ||
        (values[kBarrier] == kAbsent) != (values[kCount] == kAbsent)) {
      throw here().error("is not a whole trigger",
                         "give 'trigger id ID oneshot' or 'trigger id ID barrier count N'");
    }
    const auto index = static_cast<std::size_t>(trigger_index(values[kTriggerId]));
    TriggerNote& note = notes_[index];
    if (note.defined != 0) {
      throw here().error(fmt::format("trigger {} is defined twice, first on line {}",
                                     values[kTriggerId], note.defined),
                         "define it once");
    }
    note.defined = lines_.number();
    list_.triggers[index].one_by_one = values[kMultishot] != kAbsent;
    if (values[kCount] != kAbsent) list_.triggers[index].count = static_cast<int>(values[kCount]);
    ++defined_;
  }

  /// The numbers after the words of a line; 0 after a word that takes none, kAbsent without it.
  template <std::size_t size>
  std::array<std::int64_t, size> read_words(const std::array<WholeField, size>& fields,
                                            std::string_view rest) const {
    std::array<std::int64_t, size> values;
    values.fill(kAbsent);
    while (!rest.empty()) {
      const std::string_view word = take_word(rest);
      const auto field = std::ranges::find(fields, word, &WholeField::name);
      if (field == fields.end()) {
        throw here().error(fmt::format("'{}' is not known", shown(word)),
                           known_words(word, fields));
      }
      std::int64_t& value = values[static_cast<std::size_t>(field - fields.begin())];
      if (value != kAbsent) {
        throw here().error(fmt::format("'{}' is given twice", word), "give it once");
      }
      value = field->noun.empty() ? 0 : parse_whole(take_word(rest), *field, here());
    }
    return values;
  }

  /// The index of trigger `id`, a new one at its first mention.
  int trigger_index(std::int64_t id) {
    const auto [place, is_new] =
        trigger_indices_.try_emplace(id, static_cast<int>(list_.triggers.size()));
    if (is_new) {
      if (list_.triggers.size() == kMaxFlows) {
        throw here().error(fmt::format("more than {} triggers", kMaxFlows), "give fewer");
      }
      list_.triggers.push_back({.id = id});
      notes_.push_back({.mentioned = lines_.number()});
    }
    return place->second;
  }

  void check_count(Header which, std::size_t held, std::string_view things) const {
    const std::int64_t claimed = headers_[which];
    if (claimed == kAbsent || claimed == static_cast<std::int64_t>(held)) return;
    throw TextPlace{input_, header_lines_[which]}.error(
        fmt::format("says '{} {}' but the file holds {} {}", kHeaderFields[which].name, claimed,
                    held, things),
        "correct the number or complete the file");
  }

  void check_triggers() const {
    for (std::size_t t = 0; t < notes_.size(); ++t) {
      const std::int64_t id = list_.triggers[t].id;
      if (notes_[t].defined == 0) {
        throw TextPlace{input_, notes_[t].mentioned}.error(
            fmt::format("trigger {} is not defined in the file", id),
            fmt::format("add 'trigger id {0} oneshot' or 'trigger id {0} barrier count N'", id));
      }
    }
  }

  void check_starts() const {
    const std::size_t flow = first_flow_that_never_starts(list_);
    if (flow == list_.flows.size()) return;
    const FlowTrigger& trigger = list_.triggers[static_cast<std::size_t>(list_.flows[flow].after)];
    throw TextPlace{input_, flow_lines_[flow]}.error(
        fmt::format("the flow never starts: too few of the flows that start activate trigger {}",
                    trigger.id),
        fmt::format("let {} of them name it after 'recv_done_trigger', or give 'start'",
                    trigger.count));
  }

  TextLines lines_;
  std::string_view input_;
  FlowList list_;
  Bytes total_;
  std::array<std::int64_t, kHeaders> headers_;
  std::array<std::size_t, kHeaders> header_lines_{};
  std::vector<std::size_t> flow_lines_;
  std::vector<TriggerNote> notes_;  // beside list_.triggers
  std::size_t defined_ = 0;
  std::unordered_map<std::int64_t, int, IdHash> trigger_indices_;
  std::unordered_map<std::int64_t, int, IdHash> connections_;  // last flow, by id
  std::set<std::pair<std::int64_t, std::int64_t>> messages_;   // of ids
};

}  // namespace

FlowList parse_connection_matrix(std::string_view text, std::string_view input) {
  return Reader(text, input).read();
}

FlowList read_connection_matrix(const std::filesystem::path& path) {
  return parse_connection_matrix(read_text_file(path), path.string());
}

}  // namespace mixnet
