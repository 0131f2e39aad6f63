// What the two sides of the chaos test share: the test, which owns the emulated switch, injects
// faults and kills, and a daemon in a process of its own, which is to survive them.
//
// They meet in a small file that both map: the daemon says in which state it is, as it happens, so
// that the test can strike there; the test says what time it is and whether jobs run.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <stdexcept>

namespace mixnet::chaos {

constexpr int kServers = 4;
constexpr int kNics = 4;
constexpr int kOurs = kServers * kNics;  // positions 1..16
constexpr int kPositions = 24;           // of the switch; the rest is another's
constexpr int kCommandTimeout = 200;     // ms

/// Of the daemon: before the switch was read, and then the step of the tenant's slice.
enum State { kStarting, kSettled, kDraining, kSwitching, kReading };
constexpr int kStates = 5;
constexpr std::array<const char*, kStates> kStateNames = {"starting", "settled", "draining",
                                                          "switching", "reading"};

struct Shared {
  // Said by the daemon.
  std::atomic<int> state;
  std::atomic<int> ready;
  std::atomic<int> pending;  ///< at its start: a phase that runs, a demand that waits, a suspect
  std::atomic<std::int64_t> commands;       ///< that this run of it has sent
  std::atomic<std::int64_t> late_ns;        ///< the worst that a call to the switch went over
  std::atomic<std::uint64_t> answered;      ///< the last look that was asked for
  std::array<std::atomic<int>, kOurs> lit;  ///< by port; at that look
  std::array<std::atomic<int>, kOurs> target;
  std::atomic<int> suspects;
  std::atomic<int> settled;  ///< all slices
  std::atomic<std::uint64_t> phases;
  // Said by the test.
  std::atomic<int> job_runs;
  std::atomic<std::int64_t> clock_offset_ns;
  std::atomic<std::uint64_t> asked;
};

class SharedFile {
 public:
  explicit SharedFile(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || ::ftruncate(descriptor, sizeof(Shared)) != 0) {
      throw std::runtime_error("cannot make " + file.string());
    }
    void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (at == MAP_FAILED) throw std::runtime_error("cannot map " + file.string());
    shared_ = static_cast<Shared*>(at);
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ~SharedFile() { ::munmap(shared_, sizeof(Shared)); }
  Shared* operator->() const { return shared_; }
  Shared& operator*() const { return *shared_; }

 private:
  Shared* shared_ = nullptr;
};

/// The daemon: region.yaml, the store and the shared file are in `folder`. Never returns but by
/// SIGTERM or a failure of its own.
int run_daemon(const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace mixnet::chaos
