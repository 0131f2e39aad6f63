#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"

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
bool is_stream(const std::string& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  return path.starts_with("/dev/std") || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/") ||
         (std::filesystem::exists(status) && std::filesystem::is_other(status));
}

/// What write_text_file() would fail on, as far as it can be known before.
void check_writable(const std::string& path) {
  if (is_stream(path)) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    throw Error(path, "is a folder", "give a file in it");
  }
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(path, fmt::format("cannot be written ({})", std::strerror(errno)),
                "give a path in a folder that can be written");
  }
}

bool same_place(std::string_view a, std::string_view b) {
  const auto plain = [](std::string_view path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  if (a == "-" || b == "-") return a == b;
  return plain(a) == plain(b) && !is_stream(std::string(a));
}

void append(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) throw Error(path, fmt::format("cannot be written ({})", std::strerror(errno)));
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

bool stdout_is_terminal() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

void write_output(std::string_view file_or_dash, std::string_view content) {
  if (file_or_dash == "-") {
    const std::size_t written = std::fwrite(content.data(), 1, content.size(), stdout);
    if (written != content.size() || std::fflush(stdout) != 0) {
      throw Error("standard output", fmt::format("cannot be written ({})", std::strerror(errno)));
    }
    return;
  }
  const std::string path(file_or_dash);
  is_stream(path) ? append(path, content) : write_text_file(path, content);
}

bool answers_on_stdout(std::string_view json, std::string_view other, std::string_view other_flag) {
  if (!json.empty() && !other.empty() && same_place(json, other)) {
    throw Error(other_flag,
                fmt::format("--json and {} cannot both go to {}", other_flag,
                            json == "-" ? "standard output" : "one file"),
                "give another file to one of them");
  }
  for (const std::string_view path : {json, other}) {
    if (!path.empty() && path != "-") check_writable(std::string(path));
  }
  return json == "-" || other == "-";
}

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
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
