// A folder for the store of a test, and what a test does to the file in it.
#pragma once

#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "base/error.h"

namespace mixnet {

/// In memory where that can be, and gone with the value.
class TestFolder {
 public:
  TestFolder() {
    std::string name =
        std::filesystem::exists("/dev/shm") ? "/dev/shm/store-XXXXXX" : "/tmp/store-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file() const { return path_ / "region.db"; }
  std::filesystem::path log() const { return path_ / "region.db-wal"; }

  static std::string read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void write(const std::filesystem::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  void write(const std::string& bytes) const { write(file(), bytes); }

  /// Gives the last column that was read.
  std::string sql(const std::string& statements) const {
    sqlite3* database = nullptr;
    sqlite3_open(file().c_str(), &database);
    std::string result;
    const auto keep = [](void* to, int columns, char** values, char**) {
      const char* const value = values[columns - 1];
      *static_cast<std::string*>(to) = value == nullptr ? "" : value;
      return 0;
    };
    const int code = sqlite3_exec(database, statements.c_str(), keep, &result, nullptr);
    sqlite3_close(database);
    if (code != SQLITE_OK) throw std::runtime_error(statements);
    return result;
  }

 private:
  std::filesystem::path path_;
};

/// What `work` throws; "": nothing.
template <typename Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace mixnet
