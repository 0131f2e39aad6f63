// The transcripts in tests/data/switch/NAME.txt, for tests: what public clients and manuals show of
// switches' answers.
//   # ...       about the next one
//   > COMMAND   as the client sends it
//   < ANSWER    as the device sends it; a line end follows, but where the line says so itself
//               (\r, \n), or is a terminator
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "base/text_file.h"

namespace mixnet {

struct Transcript {
  std::string about;
  std::vector<std::string> commands;
  std::string answer;
  bool operator==(const Transcript&) const = default;
};

inline std::vector<Transcript> transcripts(const std::string& name) {
  const auto unescaped = [](std::string text) {
    for (const auto& [written, meant] : {std::pair("\\r", "\r"), std::pair("\\n", "\n")}) {
      for (std::size_t at = 0; (at = text.find(written)) != text.npos;) text.replace(at, 2, meant);
    }
    return text;
  };
  const auto folder = data_directory().parent_path() / "tests" / "data" / "switch";
  std::istringstream file(read_text_file(folder / (name + ".txt")));
  std::vector<Transcript> all;
  bool within = false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const bool is_comment = line.front() == '#';
    if (is_comment != within || all.empty()) {
      if (is_comment) all.emplace_back();
      within = is_comment;
    }
    const std::string text = line.size() > 2 ? line.substr(2) : "";
    if (is_comment) {
      all.back().about += text + "\n";
    } else if (line.front() == '>') {
      all.back().commands.push_back(unescaped(text));
    } else {
      const std::string answer = unescaped(text);
      const bool is_ended = answer != text || text == ";" || text == "<" || text == ">";
      all.back().answer += answer + (is_ended ? "" : "\r\n");
    }
  }
  return all;
}

}  // namespace mixnet
