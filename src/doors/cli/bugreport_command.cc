// `mixnet bugreport COMMAND...`: what whoever mends a fault asks first, for an issue: versions, the
// machine, the command, and of its input files sizes and digests. No file's content is in it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/number_text.h"
#include "base/sha256.h"
#include "base/text_fields.h"
#include "cli/commands.h"
#include "shell/output.h"

namespace mixnet::cli {
namespace {

constexpr std::size_t kSmall = 1 << 20;

/// What follows `key` in the first line of the file that has it, without quotes.
std::string line_of(const std::filesystem::path& path, std::string_view key, char separator) {
  std::string content;
  if (system_env().read(path, kSmall, content)) return "unknown";
  TextLines lines(content);
  while (lines.next()) {
    const std::string_view line = lines.line();
    const std::size_t at = line.find(separator);
    if (at == std::string_view::npos || trimmed(line.substr(0, at)) != key) continue;
    std::string_view value = trimmed(line.substr(at + 1));
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return "unknown";
}

/// As a shell takes it.
std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && std::ranges::all_of(word, [](char one) {
    return std::isalnum(static_cast<unsigned char>(one)) != 0 ||
           std::string_view("-_./=:,+@%").find(one) != std::string_view::npos;
  });
  if (is_plain) return word;
  std::string text = "'";
  for (const char one : word) text += one == '\'' ? "'\\''" : std::string(1, one);
  return text + "'";
}

/// The file that a word names, also behind --flag= and as trace:FILE.
std::string file_in(const std::string& word) {
  for (std::size_t from = 0; from != std::string::npos;) {
    const std::string path = word.substr(from);
    if (!path.empty() && system_env().kind(path) == Env::FileKind::kFile) return path;
    const std::size_t next = word.find_first_of("=:", from);
    from = next == std::string::npos ? next : next + 1;
  }
  return {};
}

std::string describe_file(const std::string& path) {
  std::string content;
  if (const auto reason = system_env().read(path, SIZE_MAX, content)) {
    return fmt::format("{}: cannot be read ({})", path, reason.message());
  }
  return fmt::format("{}: {} bytes, sha256 {}", path, grouped(static_cast<double>(content.size())),
                     sha256(content));
}

std::string report(const std::vector<std::string>& words) {
  std::string text = fmt::format(
      "program   mixnet {} at {}\n"
      "built by  {} {}, fmt {}, CLI11 {}, nlohmann-json {}.{}.{}\n"
      "system    {}; kernel {}\n"
      "machine   {}, {} hardware threads, memory {}\n",
      MIXNET_VERSION, system_env().real_path("/proc/self/exe").string(),
#ifdef __clang__
      "clang", __clang_version__,
#else
      "gcc", __VERSION__,
#endif
      FMT_VERSION, CLI11_VERSION, NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
      NLOHMANN_JSON_VERSION_PATCH, line_of("/etc/os-release", "PRETTY_NAME", '='),
      [] {
        std::string release;
        (void)system_env().read("/proc/sys/kernel/osrelease", kSmall, release);
        return release.substr(0, release.find('\n'));
      }(),
      line_of("/proc/cpuinfo", "model name", ':'), std::thread::hardware_concurrency(),
      line_of("/proc/meminfo", "MemTotal", ':'));
  if (words.empty()) return text;
  std::vector<std::string> command = {"mixnet"};
  for (const std::string& word : words) command.push_back(quoted(word));
  text += fmt::format("command   {}\n", fmt::join(command, " "));
  for (const std::string& word : words) {
    if (const std::string path = file_in(word); !path.empty()) {
      text += fmt::format("input     {}\n", describe_file(path));
    }
  }
  return text;
}

}  // namespace

void add_bugreport_command(Program& app) {
  CLI::App* command = app.add_subcommand(
      "bugreport", "Say what a report of a fault needs: versions, machine, command, digests");
  command->prefix_command();
  command->footer(
      "Write the command that goes wrong behind it. Nothing is run or sent: what is printed is "
      "for\n"
      "you to read and to put into the report. Of input files it has names, sizes and digests, "
      "and\n"
      "no content.\n\n"
      "Example:\n"
      "  mixnet bugreport compare --model config.json --gpus 64");
  command->callback([command] { write_output("-", report(command->remaining())); });
}

}  // namespace mixnet::cli
