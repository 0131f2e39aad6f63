// What the flag parser alone would let pass, or report in words that help nobody.
//
// CLI11 takes numbers as C does: 010 is 8, 0x10 is 16, --seed -1 is 2^64 - 1, and what is too large
// becomes the largest. And it takes `--json ""` (an unset variable in a script) as no --json at
// all. Here a number is written in decimal and fits, and no value is empty.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/error.h"

namespace mixnet::cli {

/// Makes every option of `app` and of its commands refuse such values: parsing then throws Error.
/// Call it once, after all commands are added.
void refuse_loose_values(CLI::App& app);

/// Throws Error when one of the words gives a value to a flag that takes none (--paper=3), which
/// the parser takes for the flag.
void refuse_values_of_switches(const CLI::App& app, const std::vector<std::string>& words);

/// After `app` failed to parse with `error`: says what is wrong with the command line (a word or
/// flag that the command does not know, a flag without its value, given twice or missing, no
/// command where there are some).
Error explain(const CLI::App& app, const CLI::ParseError& error);

}  // namespace mixnet::cli
