// A disk for tests of what uses SQLite: it fills up, fails, and loses power. A VFS of SQLite that
// passes everything on to the real one and remembers what was not synced yet.
//
//   FakeDisk disk;                        // from here on, databases that are opened lie on it
//   disk.fail_after(7, FakeDisk::Fault::kFull);
//   disk.cut_power(folder, random);       // what a machine would find: into another folder
//
// Thread-safe. One at a time; it outlives the databases that were opened on it.
#pragma once

#include <filesystem>
#include <memory>
#include <random>

namespace mixnet {

class FakeDisk {
 public:
  enum class Fault { kFull, kBroken };

  FakeDisk();
  FakeDisk(const FakeDisk&) = delete;
  FakeDisk& operator=(const FakeDisk&) = delete;
  ~FakeDisk();

  /// After so many more writes, truncations and syncs, all fail, until mend().
  void fail_after(int changes, Fault fault);
  void mend();
  /// Syncs alone fail, as long as it is set.
  void fail_syncs(bool fails);
  /// Writes, truncations and syncs until now.
  int changes() const;

  /// Each file as it was when it was last synced, and of each sector that was written since, the
  /// old or the new one: into `folder`, by the same names.
  void cut_power(const std::filesystem::path& folder, std::mt19937& random) const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace mixnet
