// SPDX-License-Identifier: Apache-2.0
#include "engine/job_table.h"

#include <set>
#include <signal.h>
#include <sqlite3.h>
#include <sstream>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "tests/engine/temporary_directory.h"

using namespace assay;
using engine::JobRecord;
using engine::JobTable;
using schemas::JobState;

namespace {

JobRecord new_job(const std::string& id) {
  JobRecord record;
  record.spec.job_id = id;
  record.spec.work.kind = schemas::JobKind::validate;
  record.spec.work.candidate.source_code = "def f(x): return x";
  record.spec.work.candidate.metadata.function_name = "f";
  record.created_at = 100;
  return record;
}

void execute(const std::string& path, const std::string& statements) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &message);
  INFO((message != nullptr ? message : ""));
  REQUIRE(code == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("a row lives from submission to its end and is read back whole") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  std::int64_t first_token = 0;
  {
    auto table = JobTable::open(path);
    REQUIRE(table);
    REQUIRE((*table)->insert(new_job("a")));
    REQUIRE((*table)->insert(new_job("b")));
    auto begun = (*table)->begin_attempt(new_job("a").spec, 101);
    REQUIRE(begun);
    CHECK(begun->attempt == 1);
    first_token = begun->fencing_token;
    CHECK(first_token >= 1);

    JobRecord record = new_job("a");
    record.state = JobState::validating;
    record.stages = {{"queued", 0.5}, {"compiling", 0.25}};
    record.log_tail = std::string(40000, 'l') + "end";
    REQUIRE((*table)->record_progress(record));
    record.state = JobState::completed;
    record.finished_at = 110;
    record.evaluation.emplace();
    record.evaluation->job_id = "a";
    record.evaluation->correctness = true;
    record.evaluation->verdict = {schemas::VerdictCode::correct, "fine", "go on"};
    REQUIRE((*table)->finish(record));
  }
  auto table = JobTable::open(path);
  REQUIRE(table);
  const auto found = (*table)->find("a");
  REQUIRE(found);
  CHECK(found->state == JobState::completed);
  CHECK(found->spec.work.kind == schemas::JobKind::validate);
  CHECK(found->created_at == 100);
  CHECK(found->started_at == 101);
  CHECK(found->finished_at == 110);
  REQUIRE(found->stages.size() == 2);
  CHECK(found->stages[1].name == "compiling");
  CHECK(found->stages[1].seconds == 0.25);
  CHECK(found->log_tail.size() == engine::kMaxLogTailBytes);
  CHECK(found->log_tail.ends_with("end"));
  REQUIRE(found->evaluation);
  CHECK(found->evaluation->verdict.summary == "fine");

  const auto open = (*table)->unfinished();
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  CHECK(open->front().spec.job_id == "b");
  CHECK(open->front().spec.attempt == 0);

  // Tokens rise across restarts and jobs.
  const auto begun = (*table)->begin_attempt(open->front().spec, 120);
  REQUIRE(begun);
  CHECK(begun->fencing_token > first_token);
  CHECK((*table)->find("c").error().code == schemas::ErrorCode::not_found);
}

TEST_CASE("a terminal row never changes again") {
  const tests::TemporaryDirectory directory;
  auto table = JobTable::open(directory.path() + "/jobs.sqlite");
  REQUIRE(table);
  JobRecord record = new_job("a");
  REQUIRE((*table)->insert(record));
  record.state = JobState::cancelled;
  record.finished_at = 5;
  REQUIRE((*table)->finish(record));
  record.state = JobState::completed;
  CHECK((*table)->finish(record).error().code == schemas::ErrorCode::not_found);
  CHECK_FALSE((*table)->begin_attempt(record.spec, 6));
  static_cast<void>((*table)->record_progress(record));
  CHECK((*table)->find("a")->state == JobState::cancelled);
}

TEST_CASE("cleanup removes finished rows only, and only old ones") {
  const tests::TemporaryDirectory directory;
  auto table = JobTable::open(directory.path() + "/jobs.sqlite");
  REQUIRE(table);
  for (const double finished : {10.0, 20.0, 30.0}) {
    JobRecord record = new_job("at" + std::to_string(finished));
    REQUIRE((*table)->insert(record));
    record.state = JobState::completed;
    record.finished_at = finished;
    REQUIRE((*table)->finish(record));
  }
  REQUIRE((*table)->insert(new_job("open")));
  CHECK(*(*table)->remove_finished(25) == 2);
  CHECK((*table)->find("open"));
  CHECK((*table)->find("at" + std::to_string(30.0)));
}

TEST_CASE("jobs are known by their identities until they are cancelled or forgotten") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  {
    auto table = JobTable::open(path);
    REQUIRE(table);
    for (const char* id : {"a", "b", "c", "d"}) {
      JobRecord record = new_job(id);
      record.created_at = static_cast<double>(id[0]);
      if (id[0] != 'c') record.identity = {std::string("key of ") + id, "hash"};
      REQUIRE((*table)->insert(record));
    }
    JobRecord record = new_job("b");
    record.state = JobState::cancelled;
    record.finished_at = 200;
    REQUIRE((*table)->finish(record));
    record = new_job("a");
    record.state = JobState::completed;
    record.finished_at = 200;
    REQUIRE((*table)->finish(record));
  }
  auto table = JobTable::open(path);
  REQUIRE(table);
  const auto jobs = (*table)->identified(10);
  REQUIRE(jobs);
  REQUIRE(jobs->size() == 2);
  CHECK((*jobs)[0].job_id == "a");
  CHECK((*jobs)[1].identity.key == "key of d");
  CHECK((*jobs)[1].identity.content == "hash");
  CHECK((*table)->identified(1)->front().job_id == "d");
  // Of an ended job the kind is kept, its sources are not.
  CHECK((*table)->find("a")->spec.work.kind == schemas::JobKind::validate);
  CHECK((*table)->find("a")->spec.work.candidate.source_code.empty());
  CHECK((*table)->remove_finished(300));
  CHECK((*table)->identified(10)->size() == 1);
}

TEST_CASE("a version 1 table is brought up to date with its rows") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  const std::string request = schemas::dump_json(schemas::to_json(new_job("queued").spec));
  execute(path,
          "CREATE TABLE jobs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, request TEXT NOT NULL,"
          " state TEXT NOT NULL, created REAL NOT NULL, finished REAL,"
          " result TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '');"
          "INSERT INTO jobs (id, kind, request, state, created) VALUES ('queued', 'validate', '" +
              request + "', 'submitted', 1), ('running', 'validate', '" + request +
              "', 'profiling', 2);"
              "INSERT INTO jobs VALUES ('done', 'validate', '" +
              request + "', 'completed', 3, 4, '', 'old error'); PRAGMA user_version = 1;");
  auto table = JobTable::open(path);
  INFO((table ? "" : table.error().message));
  REQUIRE(table);
  const auto open = (*table)->unfinished();
  REQUIRE(open);
  REQUIRE(open->size() == 2);
  CHECK((*open)[0].spec.job_id == "queued");
  CHECK((*open)[0].spec.attempt == 0);
  CHECK((*open)[0].spec.work.candidate.source_code == "def f(x): return x");
  CHECK((*open)[1].spec.job_id == "running");
  CHECK((*open)[1].spec.attempt == 1);
  CHECK((*table)->find("done")->error == "old error");
  CHECK((*table)->begin_attempt((*open)[0].spec, 5)->fencing_token == 1);
}

TEST_CASE("a newer table is refused, in words") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  execute(path, "PRAGMA user_version = 99;");
  const auto table = JobTable::open(path);
  REQUIRE_FALSE(table);
  CHECK(table.error().message.find("newer version (99") != std::string::npos);
}

TEST_CASE("no two owners; and a file that is no database says so") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  auto first = JobTable::open(path);
  REQUIRE(first);
  const auto second = JobTable::open(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("in use by another server") != std::string::npos);
  CHECK_FALSE(JobTable::open("/proc/version"));
}

TEST_CASE("SIGKILL in the middle of writing loses nothing that was acknowledged") {
  const tests::TemporaryDirectory directory;
  const std::string path = directory.path() + "/jobs.sqlite";
  std::array<int, 2> out{};
  REQUIRE(::pipe(out.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(out[1], 1);
    ::execl(VICTIM_PATH, VICTIM_PATH, path.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(out[1]);
  std::string printed;
  std::array<char, 4096> buffer{};
  while (std::count(printed.begin(), printed.end(), '\n') < 60) {
    const ssize_t size = ::read(out[0], buffer.data(), buffer.size());
    REQUIRE(size > 0);
    printed.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::kill(child, SIGKILL);
  while (true) {
    const ssize_t size = ::read(out[0], buffer.data(), buffer.size());
    if (size <= 0) {
      break;
    }
    printed.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(out[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));

  auto table = JobTable::open(path);
  REQUIRE(table);
  std::istringstream lines(printed.substr(0, printed.rfind('\n')));
  std::int64_t last_token = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, begun;
    std::int64_t token = 0;
    words >> id >> begun >> token;
    const auto row = (*table)->find(id);
    REQUIRE(row);
    CHECK(row->spec.attempt == (begun.empty() ? 0 : 1));
    CHECK(row->spec.fencing_token == token);
    CHECK(row->spec.work.candidate.source_code.size() == 20000);
    last_token = std::max(last_token, token);
  }
  CHECK((*table)->begin_attempt((*table)->unfinished()->front().spec, 2)->fencing_token >
        last_token);
}

TEST_CASE("rows are listed newest first, page by page and by state") {
  const tests::TemporaryDirectory directory;
  auto table = JobTable::open(directory.path() + "/jobs.sqlite");
  REQUIRE(table);
  for (const char* id : {"a", "b", "c", "d"}) REQUIRE((*table)->insert(new_job(id)));
  JobRecord ended = new_job("b");
  ended.state = JobState::cancelled;
  ended.finished_at = 103;
  ended.error = "withdrawn";
  REQUIRE((*table)->finish(ended));
  const auto ids = [&](const engine::JobFilter& filter, std::optional<std::int64_t>* next) {
    const auto list = (*table)->list(filter);
    REQUIRE(list);
    std::string joined;
    for (const auto& job : list->jobs) joined += job.job_id;
    if (next != nullptr) *next = list->next_cursor;
    return joined;
  };
  std::optional<std::int64_t> next;
  CHECK(ids({3, {}, {}}, &next) == "dcb");
  REQUIRE(next);
  REQUIRE((*table)->insert(new_job("e")));  // does not disturb the pages that follow
  CHECK(ids({3, next, {}}, &next) == "a");
  CHECK_FALSE(next);
  CHECK(ids({5, {}, {}}, &next) == "edcba");
  CHECK_FALSE(next);
  CHECK(ids({2, {}, JobState::submitted}, &next) == "ed");
  CHECK(ids({2, next, JobState::submitted}, &next) == "ca");
  const auto cancelled = (*table)->list({5, {}, JobState::cancelled});
  REQUIRE(cancelled);
  REQUIRE(cancelled->jobs.size() == 1);
  const auto& job = cancelled->jobs[0];
  CHECK(job.kind == "validate");
  CHECK(job.state == JobState::cancelled);
  CHECK(job.created_at == 100);
  CHECK_FALSE(job.started_at);
  CHECK(job.finished_at == 103);
  CHECK(job.error == "withdrawn");
}
