// SPDX-License-Identifier: Apache-2.0
#include "engine/device_station.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using namespace std::chrono_literals;

namespace {

constexpr auto kLook = 5ms;  // between two looks at what is starting

std::string with_trouble(const std::string& name, const std::string& trouble) {
  const std::string first_line = trouble.substr(0, trouble.find('\n'));
  return first_line.empty() ? name : name + " (" + first_line + ")";
}

}  // namespace

DeviceStation::DeviceStation(StationParts parts, DeviceId device, std::string gpu_uuid,
                             std::uint64_t runner_memory_bytes, std::size_t warm_host,
                             std::size_t warm_device)
    : parts_(parts),
      id_(device),
      starter_(parts.installation, parts.spawner, parts.zygote, parts.uids, device,
               runner_memory_bytes) {
  judge_ = std::make_unique<JudgeProcess>(
      parts.installation, parts.spawner, device, std::move(gpu_uuid), [this](bool usable) {
        parts_.pool.set_usable(id_, usable);
        if (RunnerPool* pool = filled_.load(); usable && pool != nullptr) {
          pool->refill();
        }
      });
  RunnerPool::Options options;
  options.host = warm_host;
  options.device = warm_device;
  options.idle_device = [this] {
    return idle() ? judge_->device() : std::optional<schemas::DeviceInfo>();
  };
  runners_ = std::make_unique<RunnerPool>(starter_, std::move(options));
  filled_ = runners_.get();
  runners_->refill();
}

DeviceStation::~DeviceStation() {
  runners_.reset();  // its thread asks the judge; the judge's hook must not find it any more
}

bool DeviceStation::idle() const {
  const auto use = parts_.pool.use();
  return std::any_of(use.begin(), use.end(), [&](const GpuPool::Use& entry) {
    return entry.device == id_ && entry.usable && !entry.leased;
  });
}

void DeviceStation::add_starting(std::vector<std::string>& starting) const {
  const std::string name = device_id_text(id_);
  if (!judge_->up()) {
    starting.push_back(with_trouble(name + " judge", judge_->trouble()));
  }
}

schemas::Status DeviceStation::wait_up(Budget& budget, Cancellation& cancellation,
                                       std::chrono::milliseconds patience) {
  const Budget::Pause waiting(budget);
  const auto deadline = sandbox::after(patience);
  while (!judge_->up() || !parts_.zygote.up()) {
    if (cancellation.cancelled()) {
      return Error{ErrorCode::cancelled, "cancelled while waiting for a device", false, {}};
    }
    if (sandbox::Clock::now() > deadline) {
      const bool judge = !judge_->up();
      const std::string trouble = judge ? judge_->trouble() : parts_.zygote.trouble();
      return Error{ErrorCode::interrupted,
                   with_trouble((judge ? "the judge of " + device_id_text(id_) : "the zygote") +
                                    std::string(" is not up"),
                                trouble),
                   true,
                   {}};
    }
    std::this_thread::sleep_for(kLook);
  }
  return schemas::success();
}

}  // namespace assay::engine
