// Who may use the circuits of a region, while a task graph is executed on MixNet.
//
// A region is the servers that all-to-alls join, directly or through others. It has circuits for
// one layer and micro-batch at a time, its holder. An all-to-all that asks for the region
//   * enters, when nothing runs there or the holder is its own layer and micro-batch;
//   * else waits, first come first served; while some wait, nobody else enters.
// Whoever entered asks claim() whether the circuits have to be set: always for the first of a new
// holder, and for a dispatch that found nothing running, whose gate has decided anew.
//
// Not thread-safe. Memory: O(servers + all-to-alls that wait).
#pragma once

#include <cstdint>
#include <vector>

namespace mixnet {

class TaskRegions {
 public:
  struct Holder {
    std::int32_t layer = -1, micro_batch = -1;
    bool operator==(const Holder&) const = default;
  };

  explicit TaskRegions(int servers);

  /// Before all else: the servers share a region.
  void join(int a, int b);

  /// Asks for the region of `server`; false when `task` has to wait.
  bool enter(int server, Holder wanted, std::uint32_t task);
  /// Whether the task that has entered has to set circuits; from then on they count as set.
  bool claim(int server, bool is_dispatch);
  /// One that entered is done. Who waited and has entered now is appended to `entered`.
  void leave(int server, std::vector<std::uint32_t>& entered);

  /// The first server of the region of `server`: names the region.
  int first(int server) { return static_cast<int>(find(server)); }
  /// All of them, ascending. O(servers).
  std::vector<int> servers(int server);

 private:
  struct Waiting {
    Holder wanted;
    std::uint32_t task;
  };
  struct Region {
    Holder holder;
    bool is_set = false;    ///< circuits for the holder
    bool is_fresh = false;  ///< nothing ran when the first now inside entered
    int inside = 0;
    std::vector<Waiting> waiting;
  };
  std::size_t find(int server);
  Region& region(int server) { return regions_[find(server)]; }
  static void take(Region& region, Holder wanted);

  std::vector<std::size_t> parents_;  ///< of servers; a root is a region
  std::vector<Region> regions_;       ///< by root
};

}  // namespace mixnet
