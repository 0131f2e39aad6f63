#include "cli/answer_flags.h"

namespace mixnet::cli {

CLI::Option* add_answer_flag(CLI::App& command, const std::string& flag, std::string& file,
                             const std::string& help) {
  return command.add_option(flag, file, help + " ('-': only that)")->type_name("FILE");
}

}  // namespace mixnet::cli
