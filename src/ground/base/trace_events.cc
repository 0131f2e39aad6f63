#include "base/trace_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <nlohmann/json.hpp>

namespace mixnet {
namespace {

constexpr std::int64_t kPsInNs = 1000;
constexpr std::int64_t kMostLanes = 1 << 16;  // so that lanes stay with their track in the order

/// As a JSON string; bytes that are no UTF-8 are replaced.
void append_string(std::string& text, std::string_view value) {
  const bool is_plain = std::ranges::all_of(
      value, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (is_plain) {
    text += '"';
    text += value;
    text += '"';
    return;
  }
  text += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_microseconds(std::string& text, std::int64_t ns) {
  fmt::format_to(std::back_inserter(text), "{}.{:03}", ns / 1000, ns % 1000);
}

}  // namespace

ChromeTrace::ChromeTrace(std::string_view title) {
  text_ = R"({"displayTimeUnit":"ms","otherData":{"title":)";
  append_string(text_, title);
  text_ += R"(},"traceEvents":[)";
}

void ChromeTrace::begin_event() {
  const bool is_first = text_.back() == '[';
  text_ += is_first ? "\n{" : ",\n{";
}

void ChromeTrace::add_name(std::string_view what, int process, int thread, std::string_view name,
                           std::int64_t order) {
  begin_event();
  fmt::format_to(std::back_inserter(text_),
                 R"("ph":"M","name":"{}_name","pid":{},"tid":{},"args":{{"name":)", what, process,
                 thread);
  append_string(text_, name);
  text_ += "}}";
  begin_event();
  fmt::format_to(
      std::back_inserter(text_),
      R"("ph":"M","name":"{}_sort_index","pid":{},"tid":{},"args":{{"sort_index":{}}}}})", what,
      process, thread, order);
}

int ChromeTrace::add_process(std::string_view name) {
  ++processes_;
  add_name("process", processes_, 0, name, processes_);
  return processes_;
}

int ChromeTrace::add_track(int process, std::string_view name, Slices slices) {
  Track& track = tracks_.emplace_back();
  track.process = process;
  track.name = name;
  track.slices = slices;
  return static_cast<int>(tracks_.size()) - 1;
}

/// One in which nothing runs at `start`; of several the first.
int ChromeTrace::lane_for(Track& track, std::int64_t start, std::int64_t end) {
  if (track.slices == Slices::kNest) {
    while (!track.open.empty() && track.open.back() <= start) track.open.pop_back();
    assert(track.open.empty() || end <= track.open.back());
    track.open.push_back(end);
    if (track.threads.empty()) track.free.insert(0);
  } else {
    while (!track.busy.empty() && track.busy.top().first <= start) {
      track.free.insert(track.busy.top().second);
      track.busy.pop();
    }
    if (track.free.empty()) track.free.insert(static_cast<int>(track.threads.size()));
  }
  const int lane = *track.free.begin();
  if (track.slices == Slices::kFollow) {
    track.free.erase(track.free.begin());
    track.busy.emplace(end, lane);
  }
  return lane;
}

void ChromeTrace::add_slice(int index, std::string_view name, Time start, Time end,
                            std::initializer_list<Argument> arguments) {
  const std::int64_t start_ns = start.ps / kPsInNs;
  const std::int64_t end_ns = end.ps / kPsInNs;
  if (end_ns <= start_ns) return;
  Track& track = tracks_[static_cast<std::size_t>(index)];
  const auto lane = static_cast<std::size_t>(lane_for(track, start_ns, end_ns));
  if (lane == track.threads.size()) {
    track.threads.push_back(++threads_);
    const std::int64_t order = index * kMostLanes + static_cast<std::int64_t>(lane);
    add_name("thread", track.process, threads_, track.name, order);
  }
  begin_event();
  fmt::format_to(std::back_inserter(text_), R"("ph":"X","pid":{},"tid":{},"ts":)", track.process,
                 track.threads[lane]);
  append_microseconds(text_, start_ns);
  text_ += R"(,"dur":)";
  append_microseconds(text_, end_ns - start_ns);
  text_ += R"(,"name":)";
  append_string(text_, name);
  char separator = '{';
  for (const Argument& argument : arguments) {
    text_ += separator == '{' ? R"(,"args":{)" : ",";
    separator = ',';
    fmt::format_to(std::back_inserter(text_), R"("{}":{})", argument.name, argument.value);
  }
  text_ += separator == ',' ? "}}" : "}";
}

void ChromeTrace::add_counter(int process, std::string_view name, Time at, double value) {
  begin_event();
  fmt::format_to(std::back_inserter(text_), R"("ph":"C","pid":{},"ts":)", process);
  append_microseconds(text_, at.ps / kPsInNs);
  text_ += R"(,"name":)";
  append_string(text_, name);
  fmt::format_to(std::back_inserter(text_), R"(,"args":{{"value":{:.4g}}}}})", value);
}

void ChromeTrace::add_counters(int process, std::string_view name, std::span<const double> values,
                               double scale, Time end) {
  const double interval = end.to_seconds() / static_cast<double>(values.size());
  double last = -1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == last) continue;
    last = values[i];
    add_counter(process, name, Time::from_seconds(static_cast<double>(i) * interval), last * scale);
  }
  add_counter(process, name, end, 0);
}

std::string ChromeTrace::finish() && {
  text_ += "\n]}\n";
  return std::move(text_);
}

}  // namespace mixnet
