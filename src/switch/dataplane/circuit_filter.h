// The kernel's side of attached interfaces: the programs of circuit.bpf.c, their maps, and where
// they are attached. Interfaces go by index; what a position is, data_plane.h knows.
//
// WHAT OUTLIVES WHAT. Programs and maps live as long as an interface holds them. A filter that is
// replaced is so in one step, and a filter made for maps that another process has left goes on by
// what they say (adopt()). Deleting an interface, or moving it into another network namespace,
// takes its filters away, and no more.
//
// Indices are those of the calling thread's network namespace. Not thread-safe. set() takes about
// 1 us, counters() likewise, attach() some 100 us.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/circuit_maps.h"

namespace mixnet {

class CircuitFilter {
 public:
  CircuitFilter();
  CircuitFilter(CircuitFilter&&) noexcept;
  CircuitFilter& operator=(CircuitFilter&&) noexcept;
  ~CircuitFilter();  ///< leaves all that is attached

  /// Takes the maps of a filter of ours that stands on the interface, so that its circuits stay.
  /// False: there is none, or it is of another make. Once, and before the first attach().
  bool adopt(int index);
  /// Loads what is not loaded yet. Throws Error, which says why the kernel will not.
  void load();

  enum class Attached { kNew, kReplaced, kTaken, kFailed };
  /// kTaken: a filter of others stands where ours must. `error` says what failed.
  Attached attach(int index, std::string& error);
  /// Dark, and without filters. What else is on the interface stays.
  void detach(int index);
  /// Whether both our filters are on the interface.
  bool stands_on(int index) const;

  /// Light of `in` goes to `out` from then on, and frames for `straight_to` to the NIC across it
  /// (circuit_maps.h). Throws std::system_error: no room in the map.
  void set(int in, int out, std::uint64_t lit_at_ns, std::uint64_t straight_to = 0);
  void clear(int in);
  std::optional<CircuitEntry> entry(int in) const;
  /// All interfaces with an entry.
  std::vector<int> entries() const;
  CounterEntry counters(int in) const;

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace mixnet
