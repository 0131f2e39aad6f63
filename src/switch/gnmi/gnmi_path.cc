#include "gnmi/gnmi_path.h"

#include <map>

#include "base/error.h"

namespace mixnet {
namespace {

constexpr std::size_t kMostText = 65'536;

class PathReader {
 public:
  PathReader(std::string_view text, std::string_view input) : rest_(text), input_(input) {}

  gnmi::Path read() {
    gnmi::Path path;
    if (rest_.size() > kMostText) refuse("is longer than 65,536 characters");
    read_origin(path);
    if (rest_.starts_with('/')) rest_.remove_prefix(1);
    while (!rest_.empty()) {
      read_step(*path.add_elem());
      if (rest_.empty()) break;
      rest_.remove_prefix(1);  // the "/" that ended the step
      if (rest_.empty()) refuse("ends in '/'");
    }
    return path;
  }

 private:
  [[noreturn]] void refuse(std::string_view problem) const {
    throw Error(input_, "a gNMI path that " + std::string(problem),
                "write ORIGIN:/STEP/STEP[KEY=VALUE], as sonic-db:/CONFIG_DB/localhost/OCS_PORT");
  }

  void read_origin(gnmi::Path& path) {
    const std::size_t end = rest_.find_first_of("/[\\");
    if (end == std::string_view::npos || end < 2 || rest_[end] != '/' || rest_[end - 1] != ':') {
      return;
    }
    path.set_origin(std::string(rest_.substr(0, end - 1)));
    rest_.remove_prefix(end);
  }

  /// Up to one of `ends`, which is left.
  std::string read_word(std::string_view ends) {
    std::string word;
    while (!rest_.empty() && ends.find(rest_.front()) == std::string_view::npos) {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
        if (rest_.empty()) refuse("ends in '\\'");
      }
      word += rest_.front();
      rest_.remove_prefix(1);
    }
    return word;
  }

  void read_step(gnmi::PathElem& step) {
    step.set_name(read_word("/[]"));
    if (step.name().empty()) refuse("has a step without a name");
    while (rest_.starts_with('[')) {
      rest_.remove_prefix(1);
      const std::string key = read_word("=]");
      if (key.empty() || !rest_.starts_with('=')) refuse("has a key without '='");
      rest_.remove_prefix(1);
      const std::string value = read_word("]");
      if (!rest_.starts_with(']')) refuse("has a key without ']'");
      rest_.remove_prefix(1);
      if (!step.mutable_key()->insert({key, value}).second) refuse("names a key twice");
    }
    if (!rest_.empty() && rest_.front() != '/') refuse("goes on after a key");
  }

  std::string_view rest_;
  std::string_view input_;
};

void write_word(std::string& text, std::string_view word, std::string_view escaped) {
  for (const char letter : word) {
    if (letter == '\\' || escaped.find(letter) != std::string_view::npos) text += '\\';
    text += letter;
  }
}

}  // namespace

gnmi::Path parse_gnmi_path(std::string_view text, std::string_view input) {
  return PathReader(text, input).read();
}

std::string to_text(const gnmi::Path& path) {
  std::string text;
  if (!path.origin().empty()) text = path.origin() + ":";
  for (const gnmi::PathElem& step : path.elem()) {
    text += '/';
    write_word(text, step.name(), "/[]");
    for (const auto& [key, value] : std::map(step.key().begin(), step.key().end())) {
      text += '[';
      write_word(text, key, "=]");
      text += '=';
      write_word(text, value, "]");
      text += ']';
    }
  }
  if (path.elem().empty()) text += '/';
  return text;
}

}  // namespace mixnet
