#include "service/desk.h"

#include <utility>

namespace mixnet {

Desk::Desk(std::size_t most_waiting) : most_waiting_(most_waiting), thread_([this] { run(); }) {}

Desk::~Desk() { close(); }

bool Desk::put(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || jobs_.size() >= most_waiting_) return false;
    jobs_.push_back(std::move(job));
  }
  news_.notify_one();
  return true;
}

void Desk::close() {
  std::deque<std::function<void()>> dropped;  // outside the lock: their ends may lead here again
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    dropped.swap(jobs_);
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Desk::run() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return is_closed_ || !jobs_.empty(); });
      if (is_closed_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace mixnet
