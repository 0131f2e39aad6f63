// The folder that a sweep leaves its results in, and from which it goes on after a kill.
//
//   study.yaml      a copy of the study
//   sweep.json      the identity of the sweep (SweepPlan::identity)
//   results.jsonl   a row for each finished point (sweep_row.h); while the sweep runs, rows are
//                   appended as points finish; in the end they are in the order of the points
//   results.csv     the same as a table; only in the end
//
// Rows are appended whole, so a kill leaves at most one half line, at the end: it is cut off when
// the folder is opened again. Every other file is written aside and renamed. A row that is in the
// folder is never lost, and never written twice: not by a kill, a full disk, or a fault of the disk
// at any moment. (A power failure may cost the last rows, which are then run again.) The folder is
// locked while it is open, so two sweeps cannot have it at once.
//
// Not thread-safe. Holds all rows in memory, about 1.5 kB each.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/env.h"
#include "sweep/sweep_plan.h"
#include "sweep/sweep_row.h"

namespace mixnet {

class SweepFolder {
 public:
  struct Options {
    bool retry_failed = false;  ///< failed points count as not finished
    /// How long to wait for another that has the folder: the processes of a killed mpirun may take
    /// a moment to go.
    std::chrono::milliseconds patience{5000};
    Env* env = &system_env();  ///< must outlive the folder; not null
  };

  /// Makes the folder, or opens it to go on. `identity`: of the plan; `study`: the study's text.
  /// Throws Error when the folder belongs to another sweep or is in use, when it holds what is no
  /// row of the plan, and when it cannot be written. `plan` must outlive the folder.
  SweepFolder(std::filesystem::path path, const SweepPlan& plan,
              const nlohmann::ordered_json& identity, std::string_view study, Options options);
  SweepFolder(const SweepFolder&) = delete;
  SweepFolder& operator=(const SweepFolder&) = delete;

  bool is_finished(std::size_t point) const { return !lines_.at(point).empty(); }
  std::size_t finished() const { return finished_; }
  struct Failure {
    std::size_t point = 0;
    std::string error;
  };
  /// Of the finished points, those that failed; by point.
  std::vector<Failure> failures() const;

  /// Adds the rows of points that finished together; points that are finished already are passed
  /// over. Throws Error when they cannot be written; then none of them is there.
  void append(std::span<const std::pair<std::size_t, PointOutcome>> outcomes);

  /// Once all points are finished: puts the rows in order and writes results.csv.
  void complete();

 private:
  void lock(std::chrono::milliseconds patience);
  void check_identity(const nlohmann::ordered_json& identity, std::string_view study);
  void read_rows(bool retry_failed);

  std::filesystem::path path_;
  const SweepPlan& plan_;
  Env& env_;
  std::unique_ptr<Env::Lock> lock_;
  std::size_t size_ = 0;            // of results.jsonl
  std::vector<std::string> lines_;  // by point; empty until it is finished
  std::size_t finished_ = 0;
};

}  // namespace mixnet
