// SPDX-License-Identifier: Apache-2.0
// The jobs there are, newest first, page by page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/job.h"

namespace assay::engine {

struct JobFilter {
  std::int64_t limit = 50;
  std::optional<std::int64_t> cursor;  // `next_cursor` of the page before
  std::optional<schemas::JobState> state;
};

// What equal requests are known by. Without a key none is equal to it.
struct JobIdentity {
  std::string key;
  std::string content;  // hash
};

struct IdentifiedJob {
  std::string job_id;
  JobIdentity identity;
};

struct JobLine {
  std::string job_id;
  std::string kind;  // as job_kind_name says it
  schemas::JobState state = schemas::JobState::submitted;
  double created_at = 0;  // seconds since the epoch
  std::optional<double> started_at, finished_at;
  std::string message, error;
};

struct JobList {
  std::vector<JobLine> jobs;
  std::optional<std::int64_t> next_cursor;  // absent: this was the last page
};

}  // namespace assay::engine
