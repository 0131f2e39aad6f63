// Work of the simulator under a Python call: on a thread of its own, while the caller's waits and
// is Python's, for Ctrl-C and for telling how far it is.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

namespace mixnet {

/// Who is told how far work is.
struct Told {
  /// tell(what, done, total), at most ten times a second and once at the end; None: not called.
  pybind11::object tell;
  bool draws = false;  ///< without `tell`: on the terminal, where standard error is one
};

/// Runs `work` without the interpreter's lock, and returns when it has ended, or throws what it
/// threw. Throws error_already_set when a signal's handler raised (Ctrl-C: within a tenth of a
/// second, on Python's main thread) or `tell` did; then `work` has stopped where it was (Stopped).
void run_watched(const Told& told, const std::function<void()>& work);

}  // namespace mixnet
