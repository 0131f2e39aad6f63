// Any bytes as lines of SCPI, read as commands and as answers: the same lines whole or byte by
// byte, numbers within bounds, and what was read, written and read again, is the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "scpi/scpi_text.h"

namespace {

std::vector<std::string> lines(std::string_view text, std::size_t step) {
  mixnet::ScpiLines reader;
  for (std::size_t at = 0; at < text.size(); at += step) reader.feed(text.substr(at, step));
  std::vector<std::string> whole;
  while (auto line = reader.next()) whole.push_back(std::move(*line));
  return whole;
}

void read_answer(const std::string& line) {
  if (const auto patches = mixnet::parse_scpi_patches(line)) {
    if (mixnet::parse_scpi_patches(write_scpi_patches(*patches)) != patches) std::abort();
  }
  if (const auto errors = mixnet::parse_scpi_errors(line); errors && !errors->empty()) {
    if (mixnet::parse_scpi_errors(write_scpi_errors(*errors)) != errors) std::abort();
  }
  if (mixnet::parse_scpi_values(line).empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = lines(text, text.size() + 1);
  if (whole != lines(text, 1)) std::abort();
  for (const std::string& line : whole) {
    read_answer(line);
    for (const mixnet::ScpiCommand& command : mixnet::parse_scpi_commands(line)) {
      if (command.header.empty()) continue;
      mixnet::is_scpi(command.header, "OXC:SWITch:CONNect:ADD");
      int code = 0;
      const auto lists = mixnet::parse_scpi_lists(command.parameters, 640, code);
      if (!lists && code == 0) std::abort();
      if (!lists) continue;
      for (const std::vector<int>& list : *lists) {
        for (const int port : list) {
          if (port < 1 || port > 640) std::abort();
        }
      }
    }
  }
  return 0;
}
