// The commands as functions of this process: what Python's door calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"

namespace mixnet::cli {

/// What `mixnet COMMAND WORDS... --json -` prints, and what it notes; nothing is printed. WORDS
/// name no --json; other files that they name are written. Throws Error, as the program ends on bad
/// input, and Stopped (base/caller.h). `command` is one that has --json.
Answer answer(std::string_view command, const std::vector<std::string>& words);

}  // namespace mixnet::cli
