// SPDX-License-Identifier: Apache-2.0
#include "mcp/job_events.h"

#include <algorithm>
#include <utility>

#include "tools/job_document.h"
#include "tools/job_wait.h"

namespace assay::mcp {

using engine::JobView;
using schemas::Json;

schemas::Result<std::shared_ptr<EventSource>> JobEvents::open(engine::Engine& engine,
                                                              const std::string& job_id) {
  std::shared_ptr<JobEvents> events(new JobEvents(engine, job_id));
  const auto latest = events->latest_;
  const auto status = engine.listen(job_id, [latest](const JobView& view) {
    const std::lock_guard lock(latest->mutex);
    if (latest->unwanted) return false;
    latest->view = view;
    latest->changed.notify_all();
    return true;
  });
  if (!status.ok()) return status.error();
  // How it stands now, unless something has happened since.
  const auto now = engine.find(job_id);
  if (!now.ok()) return now.error();
  const std::lock_guard lock(latest->mutex);
  if (!latest->view) latest->view = *now;
  return std::shared_ptr<EventSource>(std::move(events));
}

JobEvents::JobEvents(engine::Engine& engine, std::string job_id)
    : engine_(engine), job_id_(std::move(job_id)) {}

std::optional<std::string> JobEvents::next(std::chrono::milliseconds patience) {
  if (frames_.empty() && !last_) {
    if (const auto view = take_latest(log_is_due() ? std::chrono::milliseconds::zero() : patience))
      tell(*view);
  }
  if (frames_.empty() && log_is_due()) read_compile_log();
  if (frames_.empty() && last_ && !ended_) {
    add(last_->first, last_->second);
    ended_ = true;
  }
  if (frames_.empty()) return std::nullopt;
  std::string first = std::move(frames_.front());
  frames_.pop_front();
  return first;
}

bool JobEvents::ended() const {
  return ended_ && frames_.empty();
}

void JobEvents::closed(bool) {
  const std::lock_guard lock(latest_->mutex);
  latest_->unwanted = true;
  latest_->view.reset();
}

std::optional<JobView> JobEvents::take_latest(std::chrono::milliseconds patience) {
  std::unique_lock lock(latest_->mutex);
  latest_->changed.wait_for(lock, patience, [this] { return latest_->view.has_value(); });
  return std::exchange(latest_->view, std::nullopt);
}

void JobEvents::tell(const JobView& view) {
  tell_stages(view);
  tell_log(view);
  compile_log_there_ = std::max(compile_log_there_, view.compile_log_bytes);
  if (schemas::is_terminal(view.state)) {
    last_ = {"result", tools::job_document(view)};
    // What is stored of it is not counted in a stored job's state: asking tells.
    compile_log_there_ = compile_log_told_ + 1;
    return;
  }
  tell_progress(view);
  if (view.held_over)
    last_ = {"held_over",
             {{"job_id", job_id_},
              {"status", schemas::job_state_name(view.state)},
              {"message", "the server is stopping; the job runs after its next start"}}};
}

void JobEvents::tell_stages(const JobView& view) {
  const auto stage = [this](const std::string& name, const Json& seconds) {
    add("stage", {{"job_id", job_id_}, {"stage", name}, {"seconds", seconds}});
  };
  for (; stages_told_ < view.stages.size(); ++stages_told_) {
    const auto& left = view.stages[stages_told_];
    if (stage_told_ != left.name) stage(left.name, nullptr);
    stage_told_.clear();
    stage(left.name, left.seconds);
  }
  if (view.stage.empty() || view.stage == stage_told_) return;
  stage_told_ = view.stage;
  stage(view.stage, nullptr);
}

void JobEvents::tell_progress(const JobView& view) {
  Json now = {{"job_id", job_id_},
              {"status", schemas::job_state_name(view.state)},
              {"progress", view.progress},
              {"queue_position", view.queue_position},
              {"message", tools::progress_message(view)}};
  if (now == progress_told_) return;
  add("progress", now);
  progress_told_ = std::move(now);
}

void JobEvents::tell_log(const JobView& view) {
  const std::int64_t kept = static_cast<std::int64_t>(view.log_tail.size());
  const std::int64_t untold = std::min(view.log_bytes - log_told_, kept);
  if (untold <= 0) return;
  log_told_ = view.log_bytes;
  add("log", {{"job_id", job_id_},
              {"source", "executor"},
              {"text", view.log_tail.substr(static_cast<std::size_t>(kept - untold))}});
}

bool JobEvents::log_is_due() const {
  return compile_log_told_ < compile_log_there_;
}

void JobEvents::read_compile_log() {
  const auto page = engine_.compile_log(job_id_, compile_log_told_);
  if (!page.ok() || page->text.empty()) {  // removed meanwhile, or no more there
    compile_log_there_ = compile_log_told_;
    return;
  }
  const std::int64_t end = compile_log_told_ + static_cast<std::int64_t>(page->text.size());
  compile_log_told_ = page->next_cursor.value_or(end);
  // Of a job that has ended nobody said how much there is.
  if (page->next_cursor)
    compile_log_there_ = std::max(compile_log_there_, page->total_bytes);
  else
    compile_log_there_ = std::min(compile_log_there_, compile_log_told_);
  add("log", {{"job_id", job_id_}, {"source", "compiler"}, {"text", page->text}});
}

void JobEvents::add(const char* event, const Json& data) {
  frames_.push_back("event: " + std::string(event) + "\ndata: " + schemas::dump_json(data) +
                    "\n\n");
}

}  // namespace assay::mcp
