// The program `mixnet`, to which commands are added, and who asks it for their answers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace mixnet::cli {

/// What a command has to say to who asked for its answer in this process (answers.h).
struct Answer {
  std::string json;                ///< the document, as --json has it
  std::vector<std::string> notes;  ///< a line each, beside it; on a command line, standard error's
};

class Program : public CLI::App {
 public:
  explicit Program(std::string description = {}, Answer* asked = nullptr)
      : CLI::App(std::move(description), "mixnet"), asked_(asked) {}

  /// Where the answers of commands go; null: where their flags say.
  Answer* asked() const { return asked_; }

 private:
  Answer* asked_;
};

}  // namespace mixnet::cli
