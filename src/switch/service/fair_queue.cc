#include "service/fair_queue.h"

#include <utility>

namespace mixnet {

void FairQueue::submit(const std::string& peer, Job job) {
  {
    const std::lock_guard lock(mutex_);
    Line& line = lines_[peer];
    if (line.under_way >= kAtOnce) {
      line.jobs.push_back(std::move(job));
      return;
    }
    ++line.under_way;
  }
  job();
}

void FairQueue::done(const std::string& peer) {
  Job next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = lines_.find(peer);
    if (found == lines_.end()) return;
    Line& line = found->second;
    if (line.jobs.empty()) {
      if (--line.under_way == 0) lines_.erase(found);
      return;
    }
    next = std::move(line.jobs.front());
    line.jobs.pop_front();
  }
  next();
}

std::size_t FairQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [peer, line] : lines_) count += line.jobs.size();
  return count;
}

}  // namespace mixnet
