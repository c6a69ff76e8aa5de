// SPDX-License-Identifier: Apache-2.0
// engine_process DATA_DIRECTORY [SOURCE_FILE]: an engine with the executor of this machine's CPU,
// as the server has one. Submits the source, if given, and prints "job ID"; prints each stage; then
// lives until it is killed.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/local_executor.h"

namespace {

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argument_count, char** arguments) {
  using namespace assay;
  const auto begin = std::chrono::steady_clock::now();
  const std::string data = arguments[1];
  engine::LocalExecutorOptions local;
  local.cache_directory = data + "/cache";
  local.devices = {{schemas::DeviceKind::cpu, 0}};
  auto executor = engine::make_local_executor(local);
  if (!executor) {
    say("error " + executor.error().message);
    return 1;
  }
  engine::EngineOptions options;
  options.data_directory = data;
  auto opened = engine::Engine::open(options, std::move(*executor));
  if (!opened) {
    say("error " + opened.error().message);
    return 1;
  }
  const auto open_time = std::chrono::steady_clock::now() - begin;
  say("open " + std::to_string(std::chrono::duration<double>(open_time).count()));
  engine::Engine& engine = **opened;
  while (!engine.capacity().starting.empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  say("ready");
  if (argument_count > 2) {
    schemas::WorkRequest work;
    std::ifstream file(arguments[2]);
    work.candidate.source_code.assign(std::istreambuf_iterator<char>(file), {});
    auto id = engine.submit(work);
    if (!id) {
      say("error " + id.error().message);
      return 1;
    }
    say("job " + *id);
    (void)engine.listen(*id, [](const engine::JobView& view) {
      say("state " + schemas::job_state_name(view.state));
      return true;
    });
    say("state " + schemas::job_state_name(engine.find(*id)->state));  // it may have changed before
  }
  ::pause();
}
