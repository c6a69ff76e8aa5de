// SPDX-License-Identifier: Apache-2.0
#include "engine/supervisor.h"

#include <algorithm>
#include <array>
#include <poll.h>

#include <sys/eventfd.h>

namespace assay::engine {

namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kFirstPause = 0ms;
constexpr std::chrono::milliseconds kSecondPause = 250ms;
constexpr std::chrono::milliseconds kLongestPause = 10s;
constexpr std::chrono::milliseconds kGoodLife = 5s;

}  // namespace

Supervisor::Supervisor(Hooks hooks)
    : hooks_(std::move(hooks)), stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

Supervisor::~Supervisor() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_.get(), &one, sizeof(one)));
  thread_.join();
}

std::string Supervisor::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Supervisor::set_trouble(std::string trouble) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(trouble);
}

bool Supervisor::stopping_within(std::chrono::milliseconds pause) const {
  pollfd entry{stop_.get(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(pause.count())) > 0;
}

void Supervisor::run() {
  std::chrono::milliseconds pause = kFirstPause;
  while (!stopping_within(0ms)) {
    const auto begin = std::chrono::steady_clock::now();
    if (const auto started = hooks_.start(); started) {
      set_trouble("");
      std::array<pollfd, 2> entries{{{*started, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
      while (::poll(entries.data(), entries.size(), -1) < 0) {
      }
      set_trouble(hooks_.ended());
    } else {
      set_trouble(started.error().message);
    }
    const bool lived_well = std::chrono::steady_clock::now() - begin > kGoodLife;
    pause = lived_well ? kFirstPause : pause;
    if (stopping_within(pause)) {
      return;
    }
    pause = std::clamp(pause * 2, kSecondPause, kLongestPause);
  }
}

}  // namespace assay::engine
