// SPDX-License-Identifier: Apache-2.0
// A thin owner for SQLite: a database, a prepared statement, a transaction. Errors are exceptions
// of this file's type, caught by its only user, the job table. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace assay::engine {

struct SqliteError : std::runtime_error {
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code(code) {}
  int code;  // SQLite's primary result code
};

class Database {
 public:
  // Opens or makes the file. `busy` errors come at once: nobody else may use the file.
  explicit Database(const std::string& path);
  void execute(const std::string& statements);
  std::int64_t changed_rows() const;
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement, used again and again: reset, bind from 1, step, read from 0.
class Statement {
 public:
  Statement(const Database& database, std::string_view text);

  Statement& reset();
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t number);
  Statement& bind(int index, double number);
  Statement& bind(int index, const std::optional<double>& number);

  bool step();  // true: a row is there
  void run();   // to the end, whatever rows come

  std::string text(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::optional<double> optional_real(int column) const;

 private:
  void check(int code) const;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace assay::engine
