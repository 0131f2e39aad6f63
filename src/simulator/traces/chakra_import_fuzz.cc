// Traces of one to four ranks, which the first byte and lengths of two bytes cut from the input.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "traces/chakra_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const std::size_t ranks = static_cast<unsigned char>(rest.front()) % 4U + 1;
  rest.remove_prefix(1);
  std::vector<std::string> files;
  while (files.size() + 1 < ranks && rest.size() >= 2) {
    const std::size_t length = static_cast<unsigned char>(rest[0]) +
                               std::size_t{256} * static_cast<unsigned char>(rest[1]);
    rest.remove_prefix(2);
    files.emplace_back(rest.substr(0, length));
    rest.remove_prefix(files.back().size());
  }
  files.emplace_back(rest);
  mixnet::ChakraImport options;
  options.prefix = "traces";
  options.gpus_per_node = 2;
  options.gpu.peak_bf16_flops = 1e15;
  options.gpu.memory_bytes_per_second = 1e12;
  options.gpu.scale_up_bytes_per_second = 1e11;
  try {
    mixnet::parse_chakra_graph(files, options);
  } catch (const mixnet::Error&) {
    // What the parser is for.
  }
  return 0;
}
