// SPDX-License-Identifier: Apache-2.0
// The durable record of every job: SQLite in WAL mode, one owner at a time (the file stays locked),
// every call committed and synced before it returns, so that nothing acknowledged is lost when the
// process is killed. All members are thread-safe; an internal mutex orders them.
//
// Life of a row: insert (submitted) -> begin_attempt (compiling, attempt and fencing token rise) ->
// record_progress*
// -> finish (completed | failed | cancelled | interrupted) -> remove_finished.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/job_listing.h"
#include "schemas/evaluation.h"
#include "schemas/job.h"
#include "schemas/result.h"

namespace assay::engine {

inline constexpr std::int64_t kJobTableVersion = 4;
// A job that was begun this often and never got a device is interrupted.
inline constexpr std::int64_t kMaxAttempts = 5;
inline constexpr std::size_t kMaxLogTailBytes = std::size_t{16} << 10;
inline constexpr std::size_t kMaxStoredLogBytes = std::size_t{1} << 20;  // of compilers, per job

// One row. `spec` is filled with the row's attempt and token when it is read; of a job that has
// ended, the table keeps its kind and not its sources.
struct JobRecord {
  schemas::JobSpec spec;
  schemas::JobState state = schemas::JobState::submitted;
  double created_at = 0;  // seconds since the epoch, as all times here
  std::optional<double> started_at, finished_at;
  std::vector<schemas::StageTime> stages;
  std::string message;  // for the client: what happens or happened
  std::string error;
  std::string log_tail;
  std::string compile_log;  // written with the end; not read by find()
  std::optional<schemas::Evaluation> evaluation;
  JobIdentity identity;  // written with the row; read by identified()
};

class JobTable {
 public:
  // Makes the file, or brings an older version up to this one. Errors: internal when another
  // process holds it, when it was written by a newer version, or when it is no job table.
  static schemas::Result<std::unique_ptr<JobTable>> open(const std::string& path);
  ~JobTable();

  schemas::Status insert(const JobRecord& record);
  // A new attempt starts now: its number and a fencing token above every earlier one are stored and
  // returned in the spec.
  schemas::Result<schemas::JobSpec> begin_attempt(const schemas::JobSpec& spec, double started_at);
  // State, stages, message and log tail as they stand.
  schemas::Status record_progress(const JobRecord& record);
  // The end. A terminal row is never changed again: not_found when there is no unfinished row.
  schemas::Status finish(const JobRecord& record);

  schemas::Result<JobRecord> find(const std::string& job_id);           // Error: not_found
  schemas::Result<std::string> compile_log(const std::string& job_id);  // Error: not_found
  schemas::Result<std::vector<JobRecord>> unfinished();                 // oldest first
  schemas::Result<JobList> list(const JobFilter& filter);               // newest first
  schemas::Result<std::vector<IdentifiedJob>> identified(std::size_t most);
  schemas::Result<std::int64_t> remove_finished(double before);  // rows removed

 private:
  struct Connection;
  explicit JobTable(std::unique_ptr<Connection> connection);
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace assay::engine
