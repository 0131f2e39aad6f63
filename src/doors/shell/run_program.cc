#include "shell/run_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "base/env.h"
#include "base/error.h"
#include "shell/strict_flags.h"

namespace mixnet::cli {
namespace {

constexpr int kFault = 1;
constexpr int kBadInput = 2;

/// Where standard error cannot be written the status says it alone.
void say(const std::string& line) {
  static_cast<void>(system_env().print(Env::Stream::kError, line));
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const ProgramText& text) {
  std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
  std::ranges::reverse(words);
  return run_program(app, std::move(words), text);
}

int run_program(CLI::App& app, std::vector<std::string> words, const ProgramText& text) {
  const auto complain = [&](std::string_view line) {
    std::fflush(stdout);
    say(fmt::format("{}: {}\n", text.name, line));
    return kBadInput;
  };
  refuse_loose_values(app);
  std::ostringstream help;
  try {
    refuse_values_of_switches(app, words);
    app.parse(std::move(words));
  } catch (const CLI::Success& success) {
    app.exit(success, help, help);  // --help, --version
  } catch (const CLI::RuntimeError& end) {
    return end.get_exit_code();  // of a command that ends with a status of its own
  } catch (const CLI::ParseError& error) {
    return complain(explain(app, error).what());
  } catch (const Error& error) {
    return complain(error.what());
  } catch (const std::bad_alloc&) {
    return complain(fmt::format("out of memory; {}", text.out_of_memory));
  } catch (const std::exception& error) {
    // A fault of the program, not of its input.
    std::fflush(stdout);
    say(fmt::format("{}: internal error: {}; {}\n", text.name, error.what(), text.report));
    return kFault;
  }
  // What was printed may still be on its way; that it did not arrive must not be lost.
  const std::error_code reason = system_env().print(Env::Stream::kOut, help.str());
  if (!reason) return 0;
  return complain(fmt::format("standard output: cannot be written ({})", reason.message()));
}

}  // namespace mixnet::cli
