// SPDX-License-Identifier: Apache-2.0
#include "engine/job_table_schema.h"

#include <array>
#include <string>

#include "engine/job_table.h"

namespace assay::engine {
namespace {

// Version 1: what a job needs to be answered at all.
constexpr const char* kSchemaVersion1 = R"sql(
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  request TEXT NOT NULL,
  state TEXT NOT NULL,
  created REAL NOT NULL,
  finished REAL,
  result TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT ''
);
)sql";

// Version 2: attempts with fencing tokens, times of stages, what the client sees on the way.
constexpr const char* kVersion1To2 = R"sql(
ALTER TABLE jobs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN fencing_token INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN started REAL;
ALTER TABLE jobs ADD COLUMN stages TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN log_tail TEXT NOT NULL DEFAULT '';
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO counters VALUES ('fencing_token', 0);
CREATE INDEX jobs_unfinished ON jobs (created) WHERE finished IS NULL;
CREATE INDEX jobs_finished ON jobs (finished) WHERE finished IS NOT NULL;
-- A job that had left the queue had begun its first attempt.
UPDATE jobs SET attempt = 1 WHERE state <> 'submitted';
)sql";

// Version 3: all that compilers said.
constexpr const char* kVersion2To3 = R"sql(
ALTER TABLE jobs ADD COLUMN compile_log TEXT NOT NULL DEFAULT '';
)sql";

// Version 4: what equal requests are known by, so that they find their job after a restart.
constexpr const char* kVersion3To4 = R"sql(
ALTER TABLE jobs ADD COLUMN join_key TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN join_content TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_identified ON jobs (created) WHERE join_key <> '';
-- Of a job that has ended nobody reads the request any more.
UPDATE jobs SET request = '' WHERE finished IS NOT NULL;
)sql";

// Step n brings version n to n + 1. Append only.
constexpr std::array<const char*, kJobTableVersion> kMigrations = {kSchemaVersion1, kVersion1To2,
                                                                   kVersion2To3, kVersion3To4};

}  // namespace

std::int64_t schema_version(const Database& database) {
  Statement statement(database, "PRAGMA user_version");
  statement.step();
  return statement.integer(0);
}

void bring_up_to_date(Database& database, std::int64_t version) {
  for (; version < kJobTableVersion; ++version) {
    Transaction transaction(database);
    database.execute(kMigrations[static_cast<std::size_t>(version)]);
    database.execute("PRAGMA user_version = " + std::to_string(version + 1));
    transaction.commit();
  }
}

}  // namespace assay::engine
