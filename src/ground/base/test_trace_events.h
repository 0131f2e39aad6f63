// Reads a Chrome trace again, as Perfetto does, and holds it to the format's rules. For tests.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mixnet {

struct ReadSlice {
  std::string process, track, name;
  std::int64_t start_ns = 0, end_ns = 0;
  std::size_t depth = 0;  ///< slices around it
  nlohmann::json arguments;
};

struct ReadTrace {
  std::string title;
  std::vector<std::string> processes;                   ///< in the order in which they are shown
  std::map<std::string, std::set<std::string>> tracks;  ///< by process
  std::vector<ReadSlice> slices;                        ///< in the order of the file
  std::map<std::string, std::vector<std::pair<std::int64_t, double>>> counters;
};

/// Nanoseconds, as written to three decimals of a microsecond.
inline std::int64_t nanoseconds_of(const nlohmann::json& value) {
  return std::llround(value.get<double>() * 1000);
}

/// Fails the test where a rule is broken: an event without its fields, an unnamed process or
/// thread, slices of one thread that overlap without nesting or are out of order, a counter that
/// goes back in time.
inline ReadTrace read_chrome_trace(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text);
  ReadTrace trace;
  trace.title = document.at("otherData").at("title");
  EXPECT_TRUE(document.at("displayTimeUnit") == "ms" || document.at("displayTimeUnit") == "ns");
  using Thread = std::pair<int, int>;
  std::map<int, std::string> processes;
  std::map<Thread, std::string> threads;
  std::map<std::int64_t, std::string> order;
  std::map<Thread, std::int64_t> reached;
  std::map<Thread, std::vector<std::int64_t>> open;
  for (const nlohmann::json& event : document.at("traceEvents")) {
    const int process = event.at("pid");
    const std::string kind = event.at("ph");
    const std::string name = event.at("name");
    if (kind == "M") {
      const nlohmann::json& arguments = event.at("args");
      if (name == "process_name") processes[process] = arguments.at("name");
      if (name == "process_sort_index") order[arguments.at("sort_index")] = processes.at(process);
      if (name == "thread_name") threads[{process, event.at("tid")}] = arguments.at("name");
      continue;
    }
    EXPECT_TRUE(processes.contains(process));
    const std::int64_t start = nanoseconds_of(event.at("ts"));
    EXPECT_GE(start, 0);
    if (kind == "C") {
      auto& values = trace.counters[name];
      EXPECT_TRUE(values.empty() || values.back().first <= start) << name;
      values.emplace_back(start, event.at("args").at("value").get<double>());
      continue;
    }
    EXPECT_EQ(kind, "X");
    const Thread thread = {process, event.at("tid")};
    EXPECT_TRUE(threads.contains(thread));
    const std::int64_t end = start + nanoseconds_of(event.at("dur"));
    EXPECT_GT(end, start) << name;
    EXPECT_GE(start, reached[thread]) << name << " comes too late in the file";
    reached[thread] = start;
    std::vector<std::int64_t>& around = open[thread];
    while (!around.empty() && around.back() <= start) around.pop_back();
    EXPECT_TRUE(around.empty() || end <= around.back()) << name << " overlaps";
    trace.slices.push_back({processes[process], threads[thread], name, start, end, around.size(),
                            event.value("args", nlohmann::json::object())});
    trace.tracks[processes[process]].insert(threads[thread]);
    around.push_back(end);
  }
  for (const auto& [index, name] : order) trace.processes.push_back(name);
  return trace;
}

}  // namespace mixnet
