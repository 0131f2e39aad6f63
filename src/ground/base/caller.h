// Who waits, in this process, for what a thread computes: a door such as Python's, whose user
// presses Ctrl-C and wants to see how far it is.
//
//     Caller caller(Caller::Hears::kSteps);          // the door
//     std::thread worker([&] {
//       const CallerScope scope(&caller);
//       try { answer = compare(request); } catch (const Stopped&) {}
//     });
//     ... caller.stop(), caller.step() ...
//
// It is the thread's, not an argument of every function on the way, for it is no part of what is
// computed: with or without a caller, the answer is the same. parallel_for() hands it to its
// threads. A thread without one (all of the program's) is never stopped, and its bars go to the
// terminal.
//
// Loops that may last go through stop_point() at least some ten times a second. It throws Stopped,
// which is no std::exception, as it is neither a fault nor wrong input: who catches those to go on
// must not catch it. What is computed is then thrown away as it stands, so between two stop points
// nothing that outlives the call may be half changed. Cost: about 1 ns; in a tight loop,
// a StopPoint made before it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace mixnet {

/// Thrown by stop_point().
struct Stopped {};

/// Any thread may call anything.
class Caller {
 public:
  /// How far the work is, it hears by step(), or its user sees on the terminal, or nobody does.
  enum class Hears { kTerminal, kSteps, kNothing };
  struct Step {
    std::string what;
    std::uint64_t done = 0;
    std::uint64_t total = 1;
    bool operator==(const Step&) const = default;
  };

  explicit Caller(Hears hears = Hears::kTerminal) : hears_(hears) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // The door's side.
  /// The next stop points of its threads throw.
  void stop() { is_stopped_.store(true, std::memory_order_relaxed); }
  bool is_stopped() const { return is_stopped_.load(std::memory_order_relaxed); }
  /// Of what is under way, or was last; none of work that is too short to be told of.
  std::optional<Step> step() const;

  // ProgressBar's side.
  Hears hears() const { return hears_; }
  /// False: it does not hear steps, or is told of another whole, of which this is a part.
  bool begin(std::string what, std::uint64_t total);
  void advance(std::uint64_t done) { done_.store(done, std::memory_order_relaxed); }
  void end();

 private:
  const Hears hears_;
  std::atomic<bool> is_stopped_{false};
  std::atomic<std::uint64_t> done_{0};
  mutable std::mutex mutex_;  // the rest
  bool is_under_way_ = false;
  std::optional<Step> step_;  // without what is done
};

namespace caller_internal {
inline constinit thread_local Caller* current = nullptr;
}  // namespace caller_internal

/// This thread's; null where none waits.
inline Caller* current_caller() { return caller_internal::current; }

/// This thread works for `caller`, who must outlive the scope; null: for none.
class CallerScope {
 public:
  explicit CallerScope(Caller* caller) : before_(std::exchange(caller_internal::current, caller)) {}
  ~CallerScope() { caller_internal::current = before_; }
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;

 private:
  Caller* before_;
};

/// A stop point to go through again and again in one scope: looks but once whose the thread is.
class StopPoint {
 public:
  /// Throws Stopped when this thread's caller has had enough.
  void operator()() const {
    if (caller_ != nullptr && caller_->is_stopped()) [[unlikely]]
      throw Stopped();
  }

 private:
  const Caller* caller_ = current_caller();
};

/// The same, once.
inline void stop_point() { StopPoint()(); }

}  // namespace mixnet
