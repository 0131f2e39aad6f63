// Any bytes as the database of a store: it opens and is read through, or an Error.
#include <sqlite3.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "store/region_store.h"

namespace {

/// A store with a bit of everything, for mutations to begin from.
std::string whole_store(const std::filesystem::path& folder) {
  {
    mixnet::RegionStore store(folder, "fuzz");
    for (int event = 1; event <= 20; ++event) {
      store.append(std::string(static_cast<std::size_t>(event) * 300, 'x'), {{{}, "who", "what"}});
    }
    store.put_snapshot(20, "state");
    store.put_value("name", "value");
  }
  std::string bytes;
  if (mixnet::system_env().read(folder / "region.db", 1 << 30, bytes)) std::abort();
  return bytes;
}

struct Place {
  Place() {
    std::string name = "/dev/shm/store-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder = name;
    whole = whole_store(folder);
  }
  ~Place() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  std::string whole;
};

void read_through(mixnet::RegionStore& store) {
  store.load();
  store.oldest();
  store.audit_trail(1'000);
  store.value("name");
  std::uint64_t first = 0;
  store.history(1, 1'000, first);
  store.append("next", {{{}, "who", "what"}});
  store.put_snapshot(first == 0 ? 0 : first - 1, "state");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Place place;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // Those that begin with a 'P' are a patch of a whole store: bytes and where they go.
  if (size > 3 && data[0] == 'P') {
    std::string patched = place.whole;
    for (std::size_t at = 1; at + 3 <= size; at += 3) {
      const std::size_t where = static_cast<std::size_t>(data[at]) << 8 | data[at + 1];
      patched[where % patched.size()] = static_cast<char>(data[at + 2]);
    }
    bytes = patched;
  }
  mixnet::Env& env = mixnet::system_env();
  for (const char* const left : {"region.db-wal", "region.db-shm"}) {
    if (env.remove(place.folder / left)) std::abort();
  }
  if (env.write(place.folder / "region.db", bytes)) std::abort();
  try {
    mixnet::RegionStore store(place.folder, "fuzz");
    read_through(store);
  } catch (const mixnet::Error&) {
  }
  return 0;
}
