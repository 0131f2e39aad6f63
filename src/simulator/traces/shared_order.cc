#include "traces/shared_order.h"

namespace mixnet {
namespace {

using List = std::vector<std::uint32_t>;

class Merge {
 public:
  Merge(std::span<const std::uint32_t> task_of, std::span<const std::uint32_t> begins,
        std::size_t tasks)
      : task_of_(task_of),
        begins_(begins),
        at_(begins.begin(), begins.end() - 1),
        missing_(tasks),
        is_counted_(task_of.size()),
        is_placed_(tasks),
        entries_begin_(tasks + 1) {
    for (const std::uint32_t task : task_of) {
      ++missing_[task];
      ++entries_begin_[task + 1];
    }
    for (std::size_t task = 0; task < tasks; ++task)
      entries_begin_[task + 1] += entries_begin_[task];
    List fill(entries_begin_.begin(), entries_begin_.end() - 1);
    files_.resize(task_of.size());
    for (std::uint32_t file = 0; file < at_.size(); ++file) {
      for (std::uint32_t entry = begins[file]; entry < begins[file + 1]; ++entry) {
        files_[fill[task_of[entry]]++] = file;
      }
    }
  }

  List run() {
    const auto files = static_cast<std::uint32_t>(at_.size());
    for (std::uint32_t file = files; file-- > 0;) moved_.push_back(file);
    for (std::uint32_t stuck = 0;;) {
      while (!moved_.empty()) {
        const std::uint32_t file = moved_.back();
        moved_.pop_back();
        advance(file);
      }
      while (stuck < files && at_[stuck] == begins_[stuck + 1]) ++stuck;
      if (stuck == files) return std::move(order_);
      place(task_of_[at_[stuck]]);
      moved_.push_back(stuck);
    }
  }

 private:
  /// A file as far as its tasks have a place or may have one.
  void advance(std::uint32_t file) {
    for (; at_[file] < begins_[file + 1]; ++at_[file]) {
      const std::uint32_t entry = at_[file];
      const std::uint32_t task = task_of_[entry];
      if (is_placed_[task] != 0) continue;
      if (is_counted_[entry] == 0) {
        is_counted_[entry] = 1;
        --missing_[task];
      }
      if (missing_[task] > 0) return;
      place(task);
      for (std::uint32_t i = entries_begin_[task]; i < entries_begin_[task + 1]; ++i) {
        if (files_[i] != file) moved_.push_back(files_[i]);
      }
    }
  }

  void place(std::uint32_t task) {
    is_placed_[task] = 1;
    order_.push_back(task);
  }

  std::span<const std::uint32_t> task_of_, begins_;
  List at_;       ///< next entry, by file
  List missing_;  ///< files of which it is not the next, by task
  std::vector<char> is_counted_, is_placed_;
  List entries_begin_, files_;  ///< that list it, by task
  List moved_;                  ///< files to look at, the next one last
  List order_;
};

}  // namespace

std::vector<std::uint32_t> shared_order(std::span<const std::uint32_t> task_of,
                                        std::span<const std::uint32_t> begins, std::size_t tasks) {
  return Merge(task_of, begins, tasks).run();
}

}  // namespace mixnet
