#include "base/text_file.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace mixnet {
namespace fs = std::filesystem;

std::string read_text_file(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw Error(path.string(), "no such file", "give the path of an existing file");
  }
  if (fs::is_directory(status)) throw Error(path.string(), "is a folder", "give a file in it");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path.string(), fmt::format("cannot be read ({})", std::strerror(errno)));
  constexpr std::size_t kLimit = std::size_t{1} << 30;
  std::string content;
  if (const std::uintmax_t size = fs::file_size(path, code); !code)
    content.reserve(std::min<std::uintmax_t>(size, kLimit));
  char block[1 << 14];
  while (file.read(block, sizeof block), file.gcount() > 0) {
    content.append(block, static_cast<std::size_t>(file.gcount()));
    if (content.size() > kLimit) throw Error(path.string(), "is larger than 1 GiB");
  }
  if (file.bad()) throw Error(path.string(), "cannot be read to its end");
  return content;
}

void write_text_file(const fs::path& path, std::string_view content) {
  std::error_code code;
  const fs::path linked = fs::weakly_canonical(path, code);  // a link stays, its file is replaced
  const fs::path& target = code ? path : linked;
  fs::path temporary = target;
  temporary += fmt::format(".{}.tmp", ::getpid());
  const auto fail = [&](std::string_view what) {
    const int reason = errno;
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw Error(path.string(), fmt::format("{} ({})", what, std::strerror(reason)),
                "give a path in a folder that can be written");
  };
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    if (!file) fail("cannot be written");
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) fail("cannot be written whole");
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) fail("cannot be put in place");
}

fs::path data_directory() {
  if (const char* chosen = std::getenv("MIXNET_DATA_DIR"); chosen != nullptr && *chosen != '\0') {
    if (fs::is_directory(chosen)) return chosen;
    throw Error("MIXNET_DATA_DIR", fmt::format("'{}' is not a folder", chosen),
                "unset it or name the folder with the program's data files");
  }
  std::error_code code;
  const fs::path executable = fs::read_symlink("/proc/self/exe", code);
  if (!code) {
    fs::path installed = executable.parent_path().parent_path() / "share" / "mixnet";
    if (fs::is_directory(installed)) return installed;
  }
  Dl_info object{};
  if (::dladdr(reinterpret_cast<const void*>(&data_directory), &object) != 0 &&
      fs::path(object.dli_fname).extension() == ".so") {
    fs::path beside = fs::path(object.dli_fname).parent_path() / "data";
    if (fs::is_directory(beside)) return beside;
  }
  if (fs::is_directory(MIXNET_SOURCE_DATA_DIR)) return MIXNET_SOURCE_DATA_DIR;
  throw Error("data files", "not found beside the program or in its source tree",
              "set MIXNET_DATA_DIR to the project's data folder");
}

}  // namespace mixnet
