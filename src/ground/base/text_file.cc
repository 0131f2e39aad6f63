#include "base/text_file.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace mixnet {
namespace fs = std::filesystem;
namespace {

bool is_folder(const fs::path& path) { return system_env().kind(path) == Env::FileKind::kFolder; }

}  // namespace

std::string read_text_file(const fs::path& path, Env& env) {
  const Env::FileKind kind = env.kind(path);
  if (kind == Env::FileKind::kNone) {
    throw Error(path.string(), "no such file", "give the path of an existing file");
  }
  if (kind == Env::FileKind::kFolder) {
    throw Error(path.string(), "is a folder", "give a file in it");
  }
  constexpr std::size_t kLimit = std::size_t{1} << 30;
  std::string content;
  if (const std::error_code reason = env.read(path, kLimit + 1, content)) {
    throw Error(path.string(), fmt::format("cannot be read ({})", reason.message()));
  }
  if (content.size() > kLimit) throw Error(path.string(), "is larger than 1 GiB");
  return content;
}

void write_text_file(const fs::path& path, std::string_view content, Env& env, Outlasts outlasts) {
  const fs::path target = env.real_path(path);  // a link stays, its file is replaced
  fs::path temporary = target;
  temporary += fmt::format(".{}.tmp", ::getpid());
  const auto check = [&](std::error_code reason, std::string_view what) {
    if (!reason) return;
    (void)env.remove(temporary);  // what is wrong is known already
    throw Error(path.string(), fmt::format("{} ({})", what, reason.message()),
                write_remedy(reason));
  };
  const bool is_synced = outlasts == Outlasts::kPowerFailure;
  check(env.write(temporary, content), "cannot be written");
  if (is_synced) check(env.sync(temporary), "cannot be written");
  check(env.rename(temporary, target), "cannot be put in place");
  if (!is_synced) return;
  const fs::path folder = target.parent_path();
  check(env.sync(folder.empty() ? "." : folder), "cannot be put in place");
}

std::string write_remedy(std::error_code reason) {
  if (reason == std::errc::no_space_on_device || reason.value() == EDQUOT) {
    return "free some space there, or give a path elsewhere";
  }
  return "give a path in a folder that can be written";
}

fs::path data_directory() {
  if (const char* chosen = std::getenv("MIXNET_DATA_DIR"); chosen != nullptr && *chosen != '\0') {
    if (is_folder(chosen)) return chosen;
    throw Error("MIXNET_DATA_DIR", fmt::format("'{}' is not a folder", chosen),
                "unset it or name the folder with the program's data files");
  }
  std::error_code code;
  const fs::path executable = fs::read_symlink("/proc/self/exe", code);
  if (!code) {
    fs::path installed = executable.parent_path().parent_path() / "share" / "mixnet";
    if (is_folder(installed)) return installed;
  }
  Dl_info object{};
  if (::dladdr(reinterpret_cast<const void*>(&data_directory), &object) != 0 &&
      fs::path(object.dli_fname).extension() == ".so") {
    fs::path beside = fs::path(object.dli_fname).parent_path() / "data";
    if (is_folder(beside)) return beside;
  }
  if (is_folder(MIXNET_SOURCE_DATA_DIR)) return MIXNET_SOURCE_DATA_DIR;
  throw Error("data files", "not found beside the program or in its source tree",
              "set MIXNET_DATA_DIR to the project's data folder");
}

}  // namespace mixnet
