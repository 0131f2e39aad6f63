// The flags by which a command is asked for its answer in files, beside or in place of its tables;
// and the same answer for who asks in the process (answers.h).
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "cli/program.h"

namespace mixnet::cli {

/// A flag that names a file for an answer, or '-'; `help` without saying so. `file` must outlive
/// the command. See answers_on_stdout().
CLI::Option* add_answer_flag(CLI::App& command, const std::string& flag, std::string& file,
                             const std::string& help);

/// Where a command's JSON goes. To a command it is as the file of --json; who asks in the process
/// is to it a standard output of its own.
class JsonAnswer {
 public:
  /// Whether nobody wants it.
  bool empty() const { return file_.empty(); }
  /// As answers_on_stdout() takes it.
  operator std::string_view() const { return file_; }

 private:
  friend void add_json_flag(const Program&, CLI::App&, JsonAnswer&, const std::string&);
  friend void write_output(const JsonAnswer&, std::string content);
  friend void print_note(const JsonAnswer&, std::string note);
  std::string file_;
  Answer* asked_ = nullptr;
};

/// --json; no flag where the program's answers are asked for in the process. `answer` must outlive
/// the command.
void add_json_flag(const Program& program, CLI::App& command, JsonAnswer& answer,
                   const std::string& help);

/// The document of an answer that is not empty().
void write_output(const JsonAnswer& answer, std::string content);

/// One line beside the answer; none of an empty note.
void print_note(const JsonAnswer& answer, std::string note);

}  // namespace mixnet::cli
