// Any bytes as what a client types: the same commands whole or byte by byte, each with a tag, and
// lists of ports within their bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tl1/tl1_command.h"

namespace {

std::vector<mixnet::Tl1Command> read(std::string_view text, std::size_t step) {
  mixnet::Tl1CommandReader reader;
  try {
    for (std::size_t at = 0; at < text.size(); at += step) {
      reader.feed(text.substr(at, step), "fuzz");
    }
  } catch (const mixnet::Error&) {
  }
  std::vector<mixnet::Tl1Command> commands;
  while (auto command = reader.next()) commands.push_back(std::move(*command));
  return commands;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto commands = read(text, text.size() + 1);
  if (commands != read(text, 1)) std::abort();
  for (const mixnet::Tl1Command& command : commands) {
    if (command.ctag.empty() || command.error.empty() != command.comment.empty()) std::abort();
    for (const std::string& list : mixnet::split_tl1(command.aid, ',')) {
      std::string wrong;
      const auto ports = mixnet::tl1_ports(list, 640, wrong);
      if (!ports) continue;
      if (!wrong.empty() || ports->empty()) std::abort();
      for (const int port : *ports) {
        if (port < 1 || port > 640) std::abort();
      }
      if (ports != mixnet::tl1_ports(mixnet::tl1_list(*ports), 640, wrong)) std::abort();
    }
    for (const std::string& block : command.blocks) mixnet::tl1_parameter(block, "ADMIN");
  }
  return 0;
}
