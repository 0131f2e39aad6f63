#include "sweep/point_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/error.h"

namespace mixnet {
namespace {

std::vector<PointOutcome> run_guarded(const PointRunner& runner, const PointPool::Batch& batch) {
  std::string error;
  try {
    std::vector<PointOutcome> outcomes = runner(batch.points, batch.threads);
    if (outcomes.size() == batch.points.size()) return outcomes;
    error = "internal error: points without an outcome";
  } catch (const Error& bad_input) {
    error = bad_input.what();
  } catch (const std::bad_alloc&) {
    error = "out of memory";
  } catch (const std::exception& fault) {
    error = fmt::format("internal error: {}", fault.what());
  }
  return std::vector<PointOutcome>(batch.points.size(), {{}, error});
}

}  // namespace

PointPool::PointPool(int threads, PointRunner runner) : runner_(std::move(runner)) {
  for (int i = 0; i < std::max(1, threads); ++i) crew_.emplace_back([this] { work(); });
}

PointPool::~PointPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  submitted_.notify_all();
  for (std::thread& thread : crew_) thread.join();
}

void PointPool::submit(Batch batch) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(batch));
  }
  submitted_.notify_one();
}

std::optional<PointPool::Result> PointPool::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!ended_.wait_for(lock, patience, [this] { return !results_.empty(); })) return std::nullopt;
  Result result = std::move(results_.front());
  results_.pop_front();
  return result;
}

void PointPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    submitted_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (closing_) return;
    const Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Result result{batch.number, run_guarded(runner_, batch)};
    lock.lock();
    results_.push_back(std::move(result));
    ended_.notify_one();
  }
}

}  // namespace mixnet
