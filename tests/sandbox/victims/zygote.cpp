// SPDX-License-Identifier: Apache-2.0
// A zygote without Python: serves forks over descriptor 3; the children run a victim's command, its
// words on lines of the task's argument. `zygote threads` has a second thread, which must make
// every fork be refused; `zygote ballast` holds 200 MiB that its forks inherit.
#include <cstring>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

#include "sandbox/fork_server.h"
#include "victims/victim.h"

namespace {

int set_before_fork = 0;

victim::Arguments words_of(const std::string& argument) {
  victim::Arguments words;
  std::istringstream lines(argument);
  for (std::string line; std::getline(lines, line);) words.push_back(line);
  return words;
}

}  // namespace

int main(int count, char** values) {
  using namespace assay::sandbox;
  if (count == 2 && std::strcmp(values[1], "threads") == 0) std::thread([] { ::pause(); }).detach();
  static std::vector<char> ballast;
  if (count == 2 && std::strcmp(values[1], "ballast") == 0)
    ballast.assign(std::size_t{200} << 20, 1);
  set_before_fork = 42;
  int hooks_run = 0;
  const ForkHooks hooks{[&] { hooks_run += 1; }, [&] { hooks_run += 10; },
                        [&] { hooks_run += 100; }};
  auto served = serve_next(3, hooks);
  if (std::holds_alternative<Closed>(served)) return 0;
  const ChildTask& task = std::get<ChildTask>(served);
  const victim::Arguments words = words_of(task.argument);
  if (words[0] == "state") {
    victim::say("memory " + std::to_string(set_before_fork));
    victim::say("hooks " + std::to_string(hooks_run % 1000 / 100) +
                std::to_string(hooks_run % 10 > 0));
    for (const std::string& entry : task.environment) victim::say("task " + entry);
    return 0;
  }
  return victim::run(words);
}
