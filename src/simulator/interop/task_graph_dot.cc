#include "interop/task_graph_dot.h"

#include <fmt/format.h>

#include <iterator>

namespace mixnet {
namespace {

constexpr std::uint32_t kColours = 12;  // of Graphviz's scheme "set312"

/// Names come from files: quotes are escaped, what is not printable ASCII becomes '?'.
void append_escaped(std::string& text, std::string_view name) {
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c >= ' ' && c <= '~' ? c : '?';
  }
}

}  // namespace

std::string to_dot(const TaskGraph& graph) {
  std::string text =
      "digraph tasks {\n"
      "  node [shape=box, style=filled, fillcolor=white, colorscheme=set312];\n";
  for (std::size_t i = 0; i < graph.tasks.size(); ++i) {
    const GraphTask& task = graph.tasks[i];
    fmt::format_to(std::back_inserter(text), "  t{} [label=\"", i);
    for (const std::string_view name : {graph.name_of(task), graph.info_of(task)}) {
      if (name.empty()) continue;
      append_escaped(text, name);
      text += "\\n";
    }
    text += to_string(task.kind);
    if (is_work(task.kind)) {
      fmt::format_to(std::back_inserter(text), " {} ms\", fillcolor={}", task.runtime.count,
                     task.device % kColours + 1);
    } else {
      fmt::format_to(std::back_inserter(text), " {}\", shape=ellipse", to_string(task.bytes));
    }
    text += "];\n";
  }
  for (std::size_t i = 0; i < graph.tasks.size(); ++i) {
    for (const std::uint32_t next : graph.next[i]) {
      fmt::format_to(std::back_inserter(text), "  t{} -> t{};\n", i, next);
    }
  }
  return text + "}\n";
}

}  // namespace mixnet
