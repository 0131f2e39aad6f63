#include "sweep/sweep_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kAnother = "give another --out, or remove the folder to begin again";

/// The first setting by which `mine` and `other` (objects, or null) differ; "" when none does.
std::string difference(const nlohmann::json& mine, const nlohmann::json& other) {
  std::set<std::string> names;
  for (const nlohmann::json* json : {&mine, &other}) {
    if (!json->is_object()) continue;
    for (const auto& item : json->items()) names.insert(item.key());
  }
  const auto at = [](const nlohmann::json& json, const std::string& name) {
    return json.is_object() && json.contains(name) ? json.at(name) : nlohmann::json();
  };
  for (const std::string& name : names) {
    if (at(mine, name) != at(other, name)) return name;
  }
  return {};
}

void write_whole(int file, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw Error(path.string(), fmt::format("cannot be written ({})", std::strerror(errno)),
                  "finished points are kept: start the sweep again to go on");
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

SweepFolder::SweepFolder(fs::path path, const SweepPlan& plan, const Json& identity,
                         std::string_view study, Options options)
    : path_(std::move(path)), plan_(plan), lines_(plan.points()) {
  std::error_code code;
  fs::create_directories(path_, code);
  if (!fs::is_directory(path_)) {
    throw Error(path_.string(), "cannot be made a folder", "give --out a folder, or a new name");
  }
  try {
    lock(options.patience);
    check_identity(identity, study);
    read_rows(options);
  } catch (...) {
    if (lock_ >= 0) ::close(lock_);
    if (rows_ >= 0) ::close(rows_);
    throw;
  }
}

SweepFolder::~SweepFolder() {
  ::close(rows_);
  ::close(lock_);
}

void SweepFolder::lock(std::chrono::milliseconds patience) {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    // Some network file systems cannot lock a folder; then nothing is held against anyone.
    if (errno != EWOULDBLOCK && errno != EINTR) return;
    if (std::chrono::steady_clock::now() >= deadline) {
      throw Error(path_.string(), "is in use by another sweep",
                  "wait for it, or give another --out");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void SweepFolder::check_identity(const Json& identity, std::string_view study) {
  const fs::path file = path_ / "sweep.json";
  const fs::path copy = path_ / "study.yaml";
  if (fs::exists(file)) {
    const nlohmann::json other = parse_json(read_text_file(file), file.string());
    if (!other.is_object()) throw Error(file.string(), "is of no sweep", kAnother);
    const nlohmann::json mine = identity;
    const std::string part = difference(mine, other);
    if (!part.empty()) {
      const auto name = [&] {
        return difference(mine.value(part, nlohmann::json()), other.value(part, nlohmann::json()));
      };
      if (part == "program" || part == "schema") {
        throw Error(path_.string(),
                    fmt::format("was begun by another program, {}",
                                other.value(part, nlohmann::json()).dump()),
                    kAnother);
      }
      if (part == "files") {
        throw Error(path_.string(), fmt::format("'{}' has changed since the sweep began", name()),
                    kAnother);
      }
      const std::string flag = part == "axes" || part == "fixed" ? name() : part;
      throw Error(path_.string(),
                  fmt::format("holds the results of another study: '{}' differs", flag), kAnother);
    }
  } else {
    for (const char* name : {"results.jsonl", "results.csv"}) {
      if (fs::exists(path_ / name)) {
        throw Error((path_ / name).string(), "is of no sweep that could go on",
                    "give another --out, or remove it");
      }
    }
    if (fs::exists(copy) && read_text_file(copy) != study) {
      throw Error(copy.string(), "is another study", "give another --out, or remove it");
    }
  }
  write_text_file(copy, study);
  write_text_file(file, identity.dump(2) + "\n");
}

void SweepFolder::read_rows(Options options) {
  open_rows();
  const fs::path path = path_ / "results.jsonl";
  std::string text = read_text_file(path);
  text.resize(whole_rows(text).size());
  if (::ftruncate(rows_, static_cast<off_t>(text.size())) != 0) {
    throw Error(path.string(), fmt::format("cannot be written ({})", std::strerror(errno)));
  }
  bool dropped = false;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t after = text.find('\n', begin) + 1;
    const std::string_view line = std::string_view(text).substr(begin, after - begin);
    const RowHead head = read_row(plan_, line, fmt::format("{}:{}", path.string(), ++number));
    begin = after;
    if (is_finished(head.point) || (options.retry_failed && !head.ok)) {
      dropped = true;
      continue;
    }
    lines_[head.point] = line;
    ++finished_;
  }
  if (!dropped) return;
  std::string kept;
  for (const std::string& line : lines_) kept += line;
  write_text_file(path, kept);
  ::close(rows_);
  open_rows();
}

void SweepFolder::open_rows() {
  const fs::path path = path_ / "results.jsonl";
  rows_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (rows_ < 0) {
    throw Error(path.string(), fmt::format("cannot be written ({})", std::strerror(errno)),
                "give --out a folder that can be written");
  }
}

std::vector<SweepFolder::Failure> SweepFolder::failures() const {
  std::vector<Failure> failures;
  for (const std::string& line : lines_) {
    if (line.find("\"status\":\"failed\"") == std::string::npos) continue;
    const RowHead head = read_row(plan_, line, "results.jsonl");
    if (!head.ok) failures.push_back({head.point, head.error});
  }
  return failures;
}

void SweepFolder::append(std::span<const std::pair<std::size_t, PointOutcome>> outcomes) {
  std::string rows;
  std::vector<std::pair<std::size_t, std::string>> added;
  for (const auto& [point, outcome] : outcomes) {
    if (is_finished(point)) continue;
    added.emplace_back(point, row_line(plan_, point, outcome));
    rows += added.back().second;
  }
  write_whole(rows_, rows, path_ / "results.jsonl");
  for (auto& [point, line] : added) lines_[point] = std::move(line);
  finished_ += added.size();
}

void SweepFolder::complete() {
  std::string rows;
  for (const std::string& line : lines_) rows += line;
  write_text_file(path_ / "results.jsonl", rows);
  write_text_file(path_ / "results.csv", rows_csv(lines_));
}

}  // namespace mixnet
