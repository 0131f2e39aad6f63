#include "store_folder.h"

#include <cstdlib>
#include <string>

#include "base/error.h"

namespace mixnet::daemon {
namespace {

namespace fs = std::filesystem;

/// Of the environment; relative paths are none. systemd's may name several, ':' between them.
fs::path folder_in(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return {};
  const std::string text = value;
  const fs::path path = text.substr(0, text.find(':'));
  return path.is_absolute() ? path : fs::path();
}

}  // namespace

fs::path default_store(std::string_view region, bool observes, Env& env) {
  const std::string name = std::string(region) + (observes ? "-observe" : "");
  if (const fs::path given = folder_in("STATE_DIRECTORY"); !given.empty()) return given / name;
  const fs::path system = "/var/lib/mixnet";
  if (!env.check_writable(system)) return system / name;
  if (const fs::path state = folder_in("XDG_STATE_HOME"); !state.empty()) {
    return state / "mixnet" / name;
  }
  if (const fs::path home = folder_in("HOME"); !home.empty()) {
    return home / ".local" / "state" / "mixnet" / name;
  }
  throw Error("--store", "there is no folder for the store: /var/lib/mixnet may not be written",
              "give one");
}

fs::path observed_store(const fs::path& acting) {
  fs::path store = acting.lexically_normal();
  if (!store.has_filename()) store = store.parent_path();
  return store += "-observe";
}

}  // namespace mixnet::daemon
