#include "sweep/mpi_ranks.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/env.h"
#include "base/error.h"

namespace mixnet {
namespace {

namespace fs = std::filesystem;
constexpr const char* kModule = "libmixnet_mpi.so";

/// Beside the program, or where it is installed to. Empty when it is in neither place.
fs::path module_path() {
  std::error_code code;
  const fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const fs::path& place : {folder, folder.parent_path() / "lib" / "mixnet"}) {
    if (system_env().kind(place / kModule) == Env::FileKind::kFile) return place / kModule;
  }
  return {};
}

}  // namespace

bool started_by_mpi() {
  // Open MPI, MPICH and its kin, and anything with PMIx (srun).
  const auto is_set = [](const char* name) { return std::getenv(name) != nullptr; };
  return is_set("OMPI_COMM_WORLD_SIZE") || is_set("PMI_SIZE") || is_set("PMIX_RANK");
}

std::unique_ptr<Ranks> join_mpi() {
  const fs::path path = module_path();
  if (path.empty()) {
    throw Error("MPI", "this build of mixnet has none",
                "build it where libopenmpi-dev is installed, or start it without mpirun");
  }
  // Open MPI's own plug-ins look for its symbols among those of the whole process.
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr) {
    throw Error("MPI", fmt::format("cannot be loaded ({})", ::dlerror()),
                "install openmpi-bin, or start mixnet without mpirun");
  }
  using Join = Ranks* (*)();
  const auto join = reinterpret_cast<Join>(::dlsym(module, "mixnet_join_mpi"));
  std::unique_ptr<Ranks> ranks(join == nullptr ? nullptr : join());
  if (ranks == nullptr) throw Error("MPI", "does not start", "start mixnet without mpirun");
  return ranks;
}

}  // namespace mixnet
