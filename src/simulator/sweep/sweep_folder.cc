#include "sweep/sweep_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

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

}  // namespace

SweepFolder::SweepFolder(fs::path path, const SweepPlan& plan, const Json& identity,
                         std::string_view study, Options options)
    : path_(std::move(path)), plan_(plan), env_(*options.env), lines_(plan.points()) {
  const std::error_code reason = env_.make_folders(path_);
  if (env_.kind(path_) != Env::FileKind::kFolder) {
    throw Error(path_.string(), fmt::format("cannot be made a folder ({})", reason.message()),
                "give --out a folder, or a new name");
  }
  lock(options.patience);
  check_identity(identity, study);
  read_rows(options.retry_failed);
}

void SweepFolder::lock(std::chrono::milliseconds patience) {
  const MonotonicTime deadline = env_.monotonic_now() + patience;
  while (true) {
    std::error_code error;
    lock_ = env_.lock(path_, error);
    // Some network file systems cannot lock a folder; then nothing is held against anyone.
    if (error != std::errc::operation_would_block) return;
    const MonotonicTime now = env_.monotonic_now();
    if (now >= deadline) {
      throw Error(path_.string(), "is in use by another sweep",
                  "wait for it, or give another --out");
    }
    env_.sleep_until(now + std::chrono::milliseconds(50));
  }
}

void SweepFolder::check_identity(const Json& identity, std::string_view study) {
  const fs::path file = path_ / "sweep.json";
  const fs::path copy = path_ / "study.yaml";
  const auto is_there = [&](const fs::path& one) { return env_.kind(one) != Env::FileKind::kNone; };
  if (is_there(file)) {
    const nlohmann::json other = parse_json(read_text_file(file, env_), file.string());
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
      if (is_there(path_ / name)) {
        throw Error((path_ / name).string(), "is of no sweep that could go on",
                    "give another --out, or remove it");
      }
    }
    if (is_there(copy) && read_text_file(copy, env_) != study) {
      throw Error(copy.string(), "is another study", "give another --out, or remove it");
    }
  }
  write_text_file(copy, study, env_, Outlasts::kPowerFailure);
  write_text_file(file, identity.dump(2) + "\n", env_, Outlasts::kPowerFailure);
}

void SweepFolder::read_rows(bool retry_failed) {
  const fs::path path = path_ / "results.jsonl";
  const auto check = [&](std::error_code reason) {
    if (!reason) return;
    throw Error(path.string(), fmt::format("cannot be written ({})", reason.message()),
                "give --out a folder that can be written");
  };
  check(env_.append(path, ""));  // it is there from now on
  std::string text = read_text_file(path, env_);
  text.resize(whole_rows(text).size());
  check(env_.resize(path, text.size()));
  size_ = text.size();
  bool dropped = false;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t after = text.find('\n', begin) + 1;
    const std::string_view line = std::string_view(text).substr(begin, after - begin);
    const RowHead head = read_row(plan_, line, fmt::format("{}:{}", path.string(), ++number));
    begin = after;
    if (is_finished(head.point) || (retry_failed && !head.ok)) {
      dropped = true;
      continue;
    }
    lines_[head.point] = line;
    ++finished_;
  }
  if (!dropped) return;
  std::string kept;
  for (const std::string& line : lines_) kept += line;
  write_text_file(path, kept, env_, Outlasts::kPowerFailure);
  size_ = kept.size();
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
  const fs::path path = path_ / "results.jsonl";
  if (const std::error_code reason = env_.append(path, rows)) {
    (void)env_.resize(path, size_);  // else the next to open it cuts off the half line
    throw Error(path.string(), fmt::format("cannot be written ({})", reason.message()),
                "finished points are kept: make room there, and start the sweep again to go on");
  }
  size_ += rows.size();
  for (auto& [point, line] : added) lines_[point] = std::move(line);
  finished_ += added.size();
}

void SweepFolder::complete() {
  std::string rows;
  for (const std::string& line : lines_) rows += line;
  write_text_file(path_ / "results.jsonl", rows, env_, Outlasts::kPowerFailure);
  write_text_file(path_ / "results.csv", rows_csv(lines_), env_);
}

}  // namespace mixnet
