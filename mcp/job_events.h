// SPDX-License-Identifier: Apache-2.0
// What happens to one job, as server-sent events: `stage` on entering (seconds null) and on leaving
// one, `progress`, `log` (what the executor tells and what compilers said), and last `result`, the
// job's document, or `held_over` when the server stops before the job began.
//
// Nothing queues up for a slow reader: the stream keeps the job's latest state only, and what it
// says is the difference to what it said before; logs are fetched page by page when they are due.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "mcp/event_source.h"
#include "schemas/json_reader.h"

namespace assay::mcp {

class JobEvents final : public EventSource {
 public:
  // `engine` must outlive the stream. Error: not_found.
  static schemas::Result<std::shared_ptr<EventSource>> open(engine::Engine& engine,
                                                            const std::string& job_id);

  std::optional<std::string> next(std::chrono::milliseconds patience) override;
  bool ended() const override;
  void closed(bool whole) override;

 private:
  // Shared with the engine's listener, which may outlive the stream.
  struct Latest {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<engine::JobView> view;
    bool unwanted = false;
  };

  JobEvents(engine::Engine& engine, std::string job_id);
  std::optional<engine::JobView> take_latest(std::chrono::milliseconds patience);
  void tell(const engine::JobView& view);
  void tell_stages(const engine::JobView& view);
  void tell_progress(const engine::JobView& view);
  void tell_log(const engine::JobView& view);
  bool log_is_due() const;
  void read_compile_log();
  void add(const char* event, const schemas::Json& data);

  engine::Engine& engine_;
  const std::string job_id_;
  const std::shared_ptr<Latest> latest_ = std::make_shared<Latest>();

  std::deque<std::string> frames_;  // of one state
  std::size_t stages_told_ = 0;     // of those the job has left
  std::string stage_told_;          // entered
  schemas::Json progress_told_;
  std::int64_t log_told_ = 0;                                  // bytes
  std::int64_t compile_log_told_ = 0;                          // bytes; the cursor
  std::int64_t compile_log_there_ = 0;                         // bytes
  std::optional<std::pair<const char*, schemas::Json>> last_;  // what ends the stream
  bool ended_ = false;
};

}  // namespace assay::mcp
