#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "base/caller.h"
#include "base/error.h"

namespace mixnet {

int default_threads() {
  if (const char* text = std::getenv("MIXNET_THREADS"); text != nullptr) {
    const std::string_view view = text;
    int threads = 0;
    const auto [end, code] = std::from_chars(view.data(), view.data() + view.size(), threads);
    if (code != std::errc{} || end != view.data() + view.size() || threads < 1 || threads > 1024) {
      throw Error("MIXNET_THREADS", "'" + std::string(view) + "' is not a number of threads",
                  "set it to 1 to 1024, or unset it");
    }
    return threads;
  }
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 1024U));
}

void parallel_for(std::size_t count, int threads,
                  const std::function<void(std::size_t step, int worker)>& step) {
  threads = static_cast<int>(std::min<std::size_t>(threads, count));
  if (threads <= 1) {
    for (std::size_t i = 0; i < count; ++i) {
      stop_point();
      step(i, 0);
    }
    return;
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  std::size_t error_step = count;
  Caller* const caller = current_caller();
  const auto work = [&](int worker) {
    const CallerScope scope(caller);
    for (;;) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) return;
      try {
        stop_point();
        step(i, worker);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < error_step) {
          error_step = i;
          error = std::current_exception();
        }
        next = count;  // steps below i have all been taken
      }
    }
  };
  std::vector<std::thread> crew;
  for (int worker = 1; worker < threads; ++worker) crew.emplace_back(work, worker);
  work(0);
  for (std::thread& thread : crew) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace mixnet
