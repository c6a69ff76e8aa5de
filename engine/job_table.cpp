// SPDX-License-Identifier: Apache-2.0
#include "engine/job_table.h"

#include <algorithm>
#include <limits>
#include <sqlite3.h>

#include "engine/job_table_schema.h"
#include "engine/sqlite.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::Result;
using schemas::Status;

namespace {

std::string stages_text(const std::vector<schemas::StageTime>& stages) {
  Json json = Json::array();
  for (const auto& stage : stages) {
    json.push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  }
  return schemas::dump_json(json);
}

std::vector<schemas::StageTime> read_stages(const std::string& text) {
  std::vector<schemas::StageTime> stages;
  const auto json = schemas::parse_json(text);
  if (!json || !json->is_array()) {
    return stages;
  }
  for (const Json& item : *json) {
    stages.push_back({item.value("name", ""), item.value("seconds", 0.0)});
  }
  return stages;
}

schemas::JobKind kind_of(const std::string& name) {
  const auto& names = schemas::job_kind_names();
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? schemas::JobKind::evaluate
                              : static_cast<schemas::JobKind>(found - names.begin());
}

std::string tail(const std::string& text) {
  return text.size() <= kMaxLogTailBytes ? text : text.substr(text.size() - kMaxLogTailBytes);
}

Error storage_error(const std::exception& exception) {
  return {ErrorCode::internal, std::string("the job table failed: ") + exception.what(), true, {}};
}

}  // namespace

struct JobTable::Connection {
  explicit Connection(Database opened) : database(std::move(opened)) {}

  Database database;
  Statement insert{database,
                   "INSERT INTO jobs (id, kind, request, state, created, message, join_key, "
                   "join_content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"};
  Statement next_token{database,
                       "UPDATE counters SET value = value + 1 WHERE name = 'fencing_token' "
                       "RETURNING value"};
  Statement begin{database,
                  "UPDATE jobs SET attempt = attempt + 1, fencing_token = ?2, started = ?3 "
                  "WHERE id = ?1 AND finished IS NULL RETURNING attempt"};
  Statement progress{database,
                     "UPDATE jobs SET state = ?2, stages = ?3, message = ?4, log_tail = ?5 "
                     "WHERE id = ?1 AND finished IS NULL"};
  Statement finish{database,
                   "UPDATE jobs SET state = ?2, stages = ?3, message = ?4, log_tail = ?5, "
                   "finished = ?6, result = ?7, error = ?8, compile_log = ?9, request = '' "
                   "WHERE id = ?1 AND finished IS NULL"};
  Statement find{database, std::string(kColumns) + "WHERE id = ?1"};
  Statement compile_log{database, "SELECT compile_log FROM jobs WHERE id = ?1"};
  // The row's number is the cursor: later rows have higher ones.
  Statement list{database,
                 "SELECT rowid, id, kind, state, created, started, finished, message, error "
                 "FROM jobs WHERE rowid < ?1 AND (?2 = '' OR state = ?2) "
                 "ORDER BY rowid DESC LIMIT ?3"};
  Statement unfinished{database, std::string(kColumns) + "WHERE finished IS NULL ORDER BY created"};
  Statement identified{database,
                       "SELECT id, join_key, join_content FROM jobs WHERE join_key <> '' AND state "
                       "NOT IN ('cancelled', 'interrupted') ORDER BY created DESC LIMIT ?1"};
  Statement remove{database, "DELETE FROM jobs WHERE finished < ?1"};

  static constexpr const char* kColumns =
      "SELECT id, request, state, attempt, fencing_token, created, started, finished, stages, "
      "message, error, log_tail, result, kind FROM jobs ";

  JobRecord read(const Statement& row) {
    JobRecord record;
    const std::string job_id = row.text(0);
    record.finished_at = row.optional_real(7);
    if (record.finished_at) {
      record.spec.work.kind = kind_of(row.text(13));
    } else {
      const auto json = schemas::parse_json(row.text(1));
      auto spec = json ? schemas::read_job_spec(*json) : Result<schemas::JobSpec>(json.error());
      if (spec)
        record.spec = std::move(*spec);
      else  // written by another version: its end can still be told
        record.error = "the stored request cannot be read: " + spec.error().message;
    }
    record.spec.job_id = job_id;
    record.spec.attempt = row.integer(3);
    record.spec.fencing_token = row.integer(4);
    record.state =
        schemas::job_state_from_name(row.text(2)).value_or(schemas::JobState::interrupted);
    record.created_at = row.real(5);
    record.started_at = row.optional_real(6);
    record.stages = read_stages(row.text(8));
    record.message = row.text(9);
    if (const std::string error = row.text(10); !error.empty()) {
      record.error = error;
    }
    record.log_tail = row.text(11);
    if (const std::string result = row.text(12); !result.empty()) {
      if (const auto parsed = schemas::parse_json(result); parsed) {
        if (auto evaluation = schemas::read_evaluation(*parsed); evaluation) {
          record.evaluation = std::move(*evaluation);
        }
      }
    }
    return record;
  }
};

Result<std::unique_ptr<JobTable>> JobTable::open(const std::string& path) {
  try {
    Database database(path);
    // EXCLUSIVE: a second server on the same folder fails here instead of sharing the queue.
    // FULL: a commit is on disk before it returns.
    database.execute(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
        "PRAGMA cache_size = -512; PRAGMA journal_size_limit = 16777216;");
    const std::int64_t version = schema_version(database);
    if (version > kJobTableVersion) {
      return Error{ErrorCode::internal,
                   path + " was written by a newer version (" + std::to_string(version) +
                       "; this one knows " + std::to_string(kJobTableVersion) +
                       "): use that version or another --data-dir",
                   false,
                   {}};
    }
    bring_up_to_date(database, version);
    return std::unique_ptr<JobTable>(
        new JobTable(std::make_unique<Connection>(std::move(database))));
  } catch (const SqliteError& error) {
    if (error.code == SQLITE_BUSY) {
      return Error{ErrorCode::internal, path + " is in use by another server", false, {}};
    }
    return Error{ErrorCode::internal, "cannot open " + path + ": " + error.what(), false, {}};
  }
}

JobTable::JobTable(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
JobTable::~JobTable() = default;

Status JobTable::insert(const JobRecord& record) {
  const std::lock_guard lock(mutex_);
  try {
    connection_->insert.reset()
        .bind(1, record.spec.job_id)
        .bind(2, schemas::job_kind_name(record.spec.work.kind))
        .bind(3, schemas::dump_json(schemas::to_json(record.spec)))
        .bind(4, schemas::job_state_name(record.state))
        .bind(5, record.created_at)
        .bind(6, record.message)
        .bind(7, record.identity.key)
        .bind(8, record.identity.content)
        .run();
    return schemas::success();
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<schemas::JobSpec> JobTable::begin_attempt(const schemas::JobSpec& spec, double started_at) {
  const std::lock_guard lock(mutex_);
  try {
    Transaction transaction(connection_->database);
    schemas::JobSpec begun = spec;
    connection_->next_token.reset().step();
    begun.fencing_token = connection_->next_token.integer(0);
    connection_->next_token.run();
    Statement& begin = connection_->begin.reset();
    begin.bind(1, spec.job_id).bind(2, begun.fencing_token).bind(3, started_at);
    if (!begin.step()) {
      begin.run();
      return Error{ErrorCode::not_found, "no unfinished job " + spec.job_id, false, {}};
    }
    begun.attempt = begin.integer(0);
    begin.run();
    transaction.commit();
    return begun;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Status JobTable::record_progress(const JobRecord& record) {
  const std::lock_guard lock(mutex_);
  try {
    connection_->progress.reset()
        .bind(1, record.spec.job_id)
        .bind(2, schemas::job_state_name(record.state))
        .bind(3, stages_text(record.stages))
        .bind(4, record.message)
        .bind(5, tail(record.log_tail))
        .run();
    return schemas::success();
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Status JobTable::finish(const JobRecord& record) {
  const std::lock_guard lock(mutex_);
  try {
    const std::string result =
        record.evaluation ? schemas::dump_json(schemas::to_json(*record.evaluation)) : "";
    connection_->finish.reset()
        .bind(1, record.spec.job_id)
        .bind(2, schemas::job_state_name(record.state))
        .bind(3, stages_text(record.stages))
        .bind(4, record.message)
        .bind(5, tail(record.log_tail))
        .bind(6, record.finished_at)
        .bind(7, result)
        .bind(8, record.error)
        .bind(9, record.compile_log)
        .run();
    if (connection_->database.changed_rows() == 0) {
      return Error{ErrorCode::not_found, "no unfinished job " + record.spec.job_id, false, {}};
    }
    return schemas::success();
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<JobRecord> JobTable::find(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  try {
    Statement& find = connection_->find.reset();
    find.bind(1, job_id);
    if (!find.step()) {
      return Error{ErrorCode::not_found, "unknown job " + job_id, false, {}};
    }
    JobRecord record = connection_->read(find);
    find.run();
    return record;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<std::string> JobTable::compile_log(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  try {
    Statement& select = connection_->compile_log.reset();
    select.bind(1, job_id);
    if (!select.step()) {
      return Error{ErrorCode::not_found, "unknown job " + job_id, false, {}};
    }
    std::string log = select.text(0);
    select.run();
    return log;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<std::vector<IdentifiedJob>> JobTable::identified(std::size_t most) {
  const std::lock_guard lock(mutex_);
  try {
    std::vector<IdentifiedJob> jobs;
    Statement& select = connection_->identified.reset();
    select.bind(1, static_cast<std::int64_t>(most));
    while (select.step()) jobs.push_back({select.text(0), {select.text(1), select.text(2)}});
    std::reverse(jobs.begin(), jobs.end());
    return jobs;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<std::vector<JobRecord>> JobTable::unfinished() {
  const std::lock_guard lock(mutex_);
  try {
    std::vector<JobRecord> records;
    Statement& select = connection_->unfinished.reset();
    while (select.step()) {
      records.push_back(connection_->read(select));
    }
    return records;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<JobList> JobTable::list(const JobFilter& filter) {
  const std::lock_guard lock(mutex_);
  try {
    JobList page;
    Statement& select = connection_->list.reset();
    // One more than wanted, to know whether there is another page.
    select.bind(1, filter.cursor.value_or(std::numeric_limits<std::int64_t>::max()))
        .bind(2, filter.state ? schemas::job_state_name(*filter.state) : "")
        .bind(3, filter.limit + 1);
    std::int64_t last = 0;
    while (select.step()) {
      if (static_cast<std::int64_t>(page.jobs.size()) == filter.limit) {
        page.next_cursor = last;
        break;
      }
      last = select.integer(0);
      page.jobs.push_back(
          {select.text(1), select.text(2),
           schemas::job_state_from_name(select.text(3)).value_or(schemas::JobState::interrupted),
           select.real(4), select.optional_real(5), select.optional_real(6), select.text(7),
           select.text(8)});
    }
    select.reset();  // a statement that stands on a row would hold the log back
    return page;
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

Result<std::int64_t> JobTable::remove_finished(double before) {
  const std::lock_guard lock(mutex_);
  try {
    connection_->remove.reset().bind(1, before).run();
    return connection_->database.changed_rows();
  } catch (const std::exception& exception) {
    return storage_error(exception);
  }
}

}  // namespace assay::engine
