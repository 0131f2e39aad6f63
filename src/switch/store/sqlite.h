// SQLite's C interface as values that close themselves and throw Errors.
//
// Every failure becomes one Error that names the database file and says what to do. A full disk is
// not a damaged file, and neither is a file that somebody else has open. Not thread-safe: one
// connection, one thread. SQLite reads and writes its files itself, past Env: its durability rests
// on calls (locks, syncs, shared memory) that Env does not have; tests put a SQLite VFS beneath.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace mixnet {

/// What to do with a store that cannot be used.
inline constexpr std::string_view kBeginAnew =
    "move its folder away and start again: circuits are read from the switch and stay lit, tenants "
    "are added anew";

class SqliteDatabase {
 public:
  /// Opens, or makes. Throws Error.
  explicit SqliteDatabase(const std::filesystem::path& file);
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  ~SqliteDatabase();

  /// One or more statements without rows that matter. Throws Error.
  void run(const std::string& sql);
  /// The first column of the first row; 0 or "" where there is none. Throws Error.
  std::int64_t number(const char* sql);
  std::string text(const char* sql);

  /// Throws the Error of SQLite's result `code`.
  [[noreturn]] void fail(int code) const;
  /// Throws the Error of content that is not as it was written.
  [[noreturn]] void refuse_damage(std::string_view what) const;

  sqlite3* handle() const { return handle_; }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Bound bytes must live until it was stepped.
class SqliteStatement {
 public:
  /// Throws Error. `database` outlives it.
  SqliteStatement(SqliteDatabase& database, const char* sql);
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement();

  /// Places count from 1.
  SqliteStatement& bind(int place, std::int64_t value);
  SqliteStatement& bind_bytes(int place, std::string_view value);
  SqliteStatement& bind_text(int place, std::string_view value);

  /// True: there is a row. False: there is no more, and the statement is reset. Throws Error.
  bool step();
  /// Steps to the end. Throws Error.
  void run() {
    while (step()) {
    }
  }
  void reset();

  /// Columns count from 0. Texts and bytes are good until the next step.
  std::int64_t number(int column) const;
  std::string_view bytes(int column) const;

 private:
  SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// Undone when it is destroyed before commit() returned.
class SqliteTransaction {
 public:
  /// Takes the lock for writing at once. Throws Error.
  explicit SqliteTransaction(SqliteDatabase& database);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  /// Throws Error: then nothing of it was written.
  void commit();

 private:
  SqliteDatabase& database_;
  bool is_open_ = true;
};

}  // namespace mixnet
