// SPDX-License-Identifier: Apache-2.0
// The front is killed in the middle of a job: everything below it dies, and the next front tells
// what was known, runs what had not begun, and serves new jobs.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "engine/engine.h"
#include "engine/local_executor.h"
#include "tests/engine/evaluation_cases.h"
#include "tests/engine/temporary_directory.h"

using namespace assay;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

class Front {
 public:
  Front(const std::string& data, const std::string& source) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(pipe[1], 1);
      ::execl(ENGINE_PROCESS_PATH, ENGINE_PROCESS_PATH, data.c_str(),
              source.empty() ? nullptr : source.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(pipe[1]);
    output_ = ::fdopen(pipe[0], "r");
  }
  ~Front() {
    kill();
    std::fclose(output_);
  }
  // The rest of the next line that begins with `word`; empty at its end.
  std::string next(const std::string& word) {
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), output_) != nullptr) {
      std::string text = line.data();
      text.erase(text.find_last_not_of('\n') + 1);
      INFO(text);
      CHECK_FALSE(text.starts_with("error"));
      if (text.starts_with(word)) {
        return text.size() > word.size() ? text.substr(word.size() + 1) : word;
      }
    }
    return {};
  }
  void kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = 0;
    }
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  FILE* output_ = nullptr;
};

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every process below `root`, by walking parents.
std::vector<pid_t> tree_of(pid_t root) {
  std::vector<pid_t> tree = {root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const std::string tasks = "/proc/" + std::to_string(tree[i]) + "/task";
    std::error_code error;
    for (const auto& task : fs::directory_iterator(tasks, error)) {
      std::ifstream children(task.path() / "children");
      for (pid_t child = 0; children >> child;) {
        tree.push_back(child);
      }
    }
  }
  tree.erase(tree.begin());
  return tree;
}

bool alive(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = stat.rfind(')');
  return end != std::string::npos && stat[end + 2] != 'Z';
}

}  // namespace

TEST_CASE("the front killed in the middle of a job") {
  const tests::TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  const std::string source = directory.path() + "/slow.py";
  std::ofstream(source) << tests::model("time.sleep(600); return x");

  Front front(data, source);
  const double open_seconds = std::stod(front.next("open"));
  INFO("open took " << open_seconds << " s");
  CHECK(open_seconds < 1.0);  // 0.1 s on a machine that does nothing else; this one may be busy
  REQUIRE(front.next("ready") == "ready");
  const std::string status = text_of("/proc/" + std::to_string(front.pid()) + "/status");
  const std::int64_t resident_kib = std::stoll(status.substr(status.find("VmRSS:") + 6));
  INFO("resident: " << resident_kib << " KiB");
  CHECK(resident_kib < std::int64_t{30} * 1024);

  const std::string job_id = front.next("job");
  REQUIRE(job_id.size() == 32);
  std::string state = front.next("state");
  while (!state.empty() && state != "validating") {
    state = front.next("state");
  }
  std::this_thread::sleep_for(500ms);
  const std::vector<pid_t> below = tree_of(front.pid());
  CHECK(below.size() >= 6);  // keepers, judge, zygote, runners
  front.kill();
  const auto killed_at = std::chrono::steady_clock::now();
  while (std::any_of(below.begin(), below.end(), alive) &&
         std::chrono::steady_clock::now() - killed_at < 10s) {
    std::this_thread::sleep_for(10ms);
  }
  for (const pid_t pid : below) {
    INFO(pid << " " << text_of("/proc/" + std::to_string(pid) + "/cmdline").c_str());
    CHECK_FALSE(alive(pid));
  }

  engine::LocalExecutorOptions local;
  local.cache_directory = data + "/cache";
  local.devices = {{schemas::DeviceKind::cpu, 0}};
  auto executor = engine::make_local_executor(local);
  REQUIRE(executor);
  engine::EngineOptions options;
  options.data_directory = data;
  auto engine = engine::Engine::open(options, std::move(*executor));
  REQUIRE(engine);
  const auto view = (*engine)->find(job_id);
  REQUIRE(view);
  CHECK(view->state == schemas::JobState::interrupted);
  REQUIRE(view->evaluation);
  CHECK(view->evaluation->retryable);
  REQUIRE_FALSE(view->evaluation->stages.empty());
  CHECK(view->evaluation->stages[0].name == "queued");

  schemas::WorkRequest work;
  work.candidate = tests::torch_kernel(tests::model("return x + 1"));
  work.num_trials = 5;
  const auto next = (*engine)->submit(work);
  REQUIRE(next);
  const auto done = (*engine)->wait(*next, 120s);
  REQUIRE(done);
  INFO(done->message);
  CHECK(done->state == schemas::JobState::completed);
  REQUIRE(done->evaluation);
  CHECK(done->evaluation->verdict.code == schemas::VerdictCode::ran_unchecked);
}
