#include "shell/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"
#include "base/units.h"

namespace mixnet::cli {
namespace {

constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kPlain = "\033[0m";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A device, a pipe, or a name for one of the process's own streams (/dev/stdout, which may lead to
/// a plain file): renaming a finished file over it would replace it.
bool is_stream(const std::string& path, Env& env) {
  return path.starts_with("/dev/std") || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/") || env.kind(path) == Env::FileKind::kOther;
}

/// What write_text_file() would fail on, as far as it can be known before.
void check_writable(const std::string& path, Env& env) {
  if (is_stream(path, env)) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (env.kind(path) == Env::FileKind::kFolder) {
    throw Error(path, "is a folder", "give a file in it");
  }
  if (const std::error_code reason = env.check_writable(folder.empty() ? "." : folder)) {
    throw Error(path, fmt::format("cannot be written ({})", reason.message()),
                write_remedy(reason));
  }
}

bool same_place(std::string_view a, std::string_view b, Env& env) {
  const auto plain = [](std::string_view path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  if (a == "-" || b == "-") return a == b;
  return plain(a) == plain(b) && !is_stream(std::string(a), env);
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

std::size_t TextTable::add_row(std::vector<std::string> cells) {
  std::vector<Cell> row(columns_.size());
  const std::size_t given = std::min(cells.size(), row.size());
  for (std::size_t c = 0; c < given; ++c) row[c].text = std::move(cells[c]);
  rows_.push_back(std::move(row));
  return rows_.size() - 1;
}

void TextTable::make_bold(std::size_t row, std::size_t column) {
  rows_.at(row).at(column).bold = true;
}

std::string TextTable::text(bool emphasis) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = columns_[c].title.size();
    for (const auto& row : rows_) width = std::max(width, row[c].text.size());
    widths.push_back(width);
  }
  std::string out;
  const auto add_cell = [&](std::size_t c, std::string_view cell, bool bold) {
    const std::string padding(widths[c] - cell.size(), ' ');
    if (columns_[c].align == Align::kRight) out += padding;
    if (bold) out += kBold;
    out += cell;
    if (bold) out += kPlain;
    if (columns_[c].align == Align::kLeft) out += padding;
  };
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (c > 0) out += "  ";
    add_cell(c, columns_[c].title, false);
  }
  end_line();
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) out += "  ";
      add_cell(c, row[c].text, emphasis && row[c].bold);
    }
    end_line();
  }
  return out;
}

void TextTable::print() const { write_output("-", text(stdout_is_terminal())); }

bool stdout_is_terminal(Env& env) {
  const char* no_color = std::getenv("NO_COLOR");
  return env.is_terminal(Env::Stream::kOut) && (no_color == nullptr || *no_color == '\0');
}

void print_note(std::string_view note, Env& env) {
  if (note.empty()) return;
  (void)env.print(Env::Stream::kError, fmt::format("mixnet: note: {}\n", note));
}

void write_output(std::string_view file_or_dash, std::string_view content, Env& env) {
  const std::string path(file_or_dash);
  const bool is_stdout = path == "-";
  if (!is_stdout && !is_stream(path, env)) return write_text_file(path, content, env);
  const std::error_code reason =
      is_stdout ? env.print(Env::Stream::kOut, content) : env.append(path, content);
  if (!reason) return;
  throw Error(is_stdout ? "standard output" : path,
              fmt::format("cannot be written ({})", reason.message()));
}

bool answers_on_stdout(std::string_view json, std::string_view other, std::string_view other_flag,
                       Env& env) {
  if (!json.empty() && !other.empty() && same_place(json, other, env)) {
    throw Error(other_flag,
                fmt::format("--json and {} cannot both go to {}", other_flag,
                            json == "-" ? "standard output" : "one file"),
                "give another file to one of them");
  }
  for (const std::string_view path : {json, other}) {
    if (!path.empty() && path != "-") check_writable(std::string(path), env);
  }
  return json == "-" || other == "-";
}

std::string describe_speed(double wall_seconds, std::optional<std::int64_t> packet_hops) {
  std::string text = fmt::format("simulated in {}", to_string(Time::from_seconds(wall_seconds)));
  if (packet_hops && wall_seconds > 0) {
    text += fmt::format(", {:.1f} million packet-hops a second",
                        static_cast<double>(*packet_hops) * 1e-6 / wall_seconds);
  }
  return text;
}

std::vector<std::string> split_list(std::string_view text, std::string_view input) {
  std::vector<std::string> elements;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    const std::string_view element = trimmed(rest.substr(0, comma));
    if (element.empty()) {
      throw Error(input, fmt::format("'{}' has an empty element", text),
                  "separate the elements by single commas");
    }
    elements.emplace_back(element);
    if (comma == std::string_view::npos) return elements;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace mixnet::cli
