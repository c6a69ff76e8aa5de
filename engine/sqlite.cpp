// SPDX-License-Identifier: Apache-2.0
#include "engine/sqlite.h"

#include <sqlite3.h>

namespace assay::engine {

namespace {

[[noreturn]] void fail(sqlite3* database, int code) {
  const char* text = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  throw SqliteError(code & 0xff, text);
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close(handle);
}

Database::Database(const std::string& path) {
  sqlite3* raw = nullptr;
  // One mutex above serialises all use.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) {
    fail(raw, code);
  }
}

void Database::execute(const std::string& statements) {
  const int code = sqlite3_exec(handle_.get(), statements.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    fail(handle_.get(), code);
  }
}

std::int64_t Database::changed_rows() const {
  return sqlite3_changes(handle_.get());
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement::Statement(const Database& database, std::string_view text)
    : database_(database.handle()) {
  sqlite3_stmt* raw = nullptr;
  check(sqlite3_prepare_v3(database_, text.data(), static_cast<int>(text.size()),
                           SQLITE_PREPARE_PERSISTENT, &raw, nullptr));
  handle_.reset(raw);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) {
    fail(database_, code);
  }
}

Statement& Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  check(sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  check(sqlite3_bind_int64(handle_.get(), index, number));
  return *this;
}

Statement& Statement::bind(int index, double number) {
  check(sqlite3_bind_double(handle_.get(), index, number));
  return *this;
}

Statement& Statement::bind(int index, const std::optional<double>& number) {
  if (number) {
    return bind(index, *number);
  }
  check(sqlite3_bind_null(handle_.get(), index));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    fail(database_, code);
  }
  return false;
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(handle_.get());
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) {
    return {};
  }
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return {reinterpret_cast<const char*>(bytes), size};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(handle_.get(), column);
}

std::optional<double> Statement::optional_real(int column) const {
  if (sqlite3_column_type(handle_.get(), column) == SQLITE_NULL) {
    return std::nullopt;
  }
  return real(column);
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace assay::engine
