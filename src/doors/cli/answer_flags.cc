#include "cli/answer_flags.h"

#include <utility>

#include "shell/output.h"

namespace mixnet::cli {

CLI::Option* add_answer_flag(CLI::App& command, const std::string& flag, std::string& file,
                             const std::string& help) {
  return command.add_option(flag, file, help + " ('-': only that)")->type_name("FILE");
}

void add_json_flag(const Program& program, CLI::App& command, JsonAnswer& answer,
                   const std::string& help) {
  answer.asked_ = program.asked();
  if (answer.asked_ != nullptr) {
    answer.file_ = "-";
  } else {
    add_answer_flag(command, "--json", answer.file_, help);
  }
}

void write_output(const JsonAnswer& answer, std::string content) {
  if (answer.asked_ == nullptr) return write_output(answer.file_, content);
  answer.asked_->json = std::move(content);
}

void print_note(const JsonAnswer& answer, std::string note) {
  if (answer.asked_ == nullptr) return print_note(note);
  if (!note.empty()) answer.asked_->notes.push_back(std::move(note));
}

}  // namespace mixnet::cli
