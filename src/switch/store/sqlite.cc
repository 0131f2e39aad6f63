#include "store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <system_error>

#include "base/error.h"
#include "base/text_file.h"

namespace mixnet {
namespace {

/// Nobody but the two connections of one store should be there: long enough for both.
constexpr int kBusyMilliseconds = 10'000;

[[noreturn]] void throw_error(const std::string& file, sqlite3* handle, int code) {
  const std::string reason = sqlite3_errstr(code);
  const int system = handle == nullptr ? 0 : sqlite3_system_errno(handle);
  switch (code & 0xff) {
    case SQLITE_FULL:
      throw Error(file, "cannot be written (the disk is full)",
                  write_remedy(std::make_error_code(std::errc::no_space_on_device)));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
      throw Error(file,
                  fmt::format("is damaged, or no store ({})",
                              handle == nullptr ? reason : sqlite3_errmsg(handle)),
                  kBeginAnew);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      throw Error(file, fmt::format("is held by another program ({})", reason),
                  "stop what has the file open, such as a backup or the sqlite3 program");
    default:
      break;
  }
  if (system == 0) {
    throw Error(file, fmt::format("cannot be opened, read or written ({})", reason),
                "give a folder on a local disk that can be written");
  }
  const std::error_code why(system, std::system_category());
  throw Error(file,
              fmt::format("cannot be opened, read or written ({}: {})", reason, why.message()),
              write_remedy(why));
}

}  // namespace

SqliteDatabase::SqliteDatabase(const std::filesystem::path& file) : file_(file.string()) {
  const int code = sqlite3_open_v2(
      file_.c_str(), &handle_,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  if (code != SQLITE_OK) {
    sqlite3* const handle = handle_;
    handle_ = nullptr;
    struct Closer {
      sqlite3* handle;
      ~Closer() { sqlite3_close_v2(handle); }
    } closer{handle};
    throw_error(file_, handle, code);
  }
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  // A file may have been made by anybody: none of its content is run, or read past its end.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(handle_); }

void SqliteDatabase::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t SqliteDatabase::number(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

std::string SqliteDatabase::text(const char* sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? std::string(statement.bytes(0)) : std::string();
}

void SqliteDatabase::fail(int code) const { throw_error(file_, handle_, code); }

void SqliteDatabase::refuse_damage(std::string_view what) const {
  throw Error(file_, fmt::format("is damaged ({})", what), kBeginAnew);
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, const char* sql) : database_(database) {
  const int code = sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &statement_, nullptr);
  if (code != SQLITE_OK) database.fail(code);
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement& SqliteStatement::bind(int place, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, place, value);
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

SqliteStatement& SqliteStatement::bind_bytes(int place, std::string_view value) {
  // A null pointer would be NULL, not an empty value.
  const char* const data = value.empty() ? "" : value.data();
  const int code = sqlite3_bind_blob64(statement_, place, data, value.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

SqliteStatement& SqliteStatement::bind_text(int place, std::string_view value) {
  const char* const data = value.empty() ? "" : value.data();
  const int code =
      sqlite3_bind_text64(statement_, place, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE) database_.fail(code);
  return false;
}

void SqliteStatement::reset() { sqlite3_reset(statement_); }

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view SqliteStatement::bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

SqliteTransaction::SqliteTransaction(SqliteDatabase& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
}

SqliteTransaction::~SqliteTransaction() {
  // Some failures have undone it already; then this one fails as well, and that is right.
  if (is_open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteTransaction::commit() {
  database_.run("COMMIT");
  is_open_ = false;
}

}  // namespace mixnet
