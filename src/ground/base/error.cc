#include "base/error.h"

namespace mixnet {
namespace {

std::string one_line(std::string_view input, std::string_view problem, std::string_view remedy) {
  std::string line;
  line.append(input).append(": ").append(problem);
  if (!remedy.empty()) line.append("; ").append(remedy);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return line;
}

}  // namespace

Error::Error(std::string_view input, std::string_view problem, std::string_view remedy)
    : std::runtime_error(one_line(input, problem, remedy)) {}

}  // namespace mixnet
