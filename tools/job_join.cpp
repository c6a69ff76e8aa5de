// SPDX-License-Identifier: Apache-2.0
#include "tools/job_join.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/artifact.h"
#include "schemas/job.h"
#include "tools/job_document.h"

namespace assay::tools {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using schemas::WorkRequest;

constexpr std::size_t kShownHashDigits = 12;

// The bytes of the job itself, so that no field that matters can be forgotten here.
std::string content_of(const WorkRequest& work) {
  schemas::JobSpec spec;
  spec.work = work;
  Json json = schemas::to_json(spec);
  json["work"].erase("wait_seconds");
  return engine::content_key({schemas::dump_json(json["work"])});
}

std::string key_of(const schemas::Joining& joining, const std::string& content) {
  if (joining.idempotency_key) return "key " + *joining.idempotency_key;
  return joining.by_content ? "content " + content : "";
}

// Whether its answer is, or may become, one about the kernel.
bool worth_joining(const engine::JobView& job) {
  return !schemas::is_terminal(job.state) || has_verdict(job);
}

Error other_content(const std::string& idempotency_key, const std::string& job_id,
                    const std::string& held, const std::string& sent) {
  const std::string message = fmt::format(
      "idempotency_key {} already stands for job {} with other content ({}…, this request is "
      "{}…); send another key, or fresh: true to give this one to a new job",
      schemas::shown_value(Json(idempotency_key)), job_id, held.substr(0, kShownHashDigits),
      sent.substr(0, kShownHashDigits));
  return {ErrorCode::malformed_call, message, false, {{"idempotency_key", message}}};
}

}  // namespace

JobJoin::JobJoin(engine::Engine& engine, std::size_t max_joinable)
    : engine_(engine), max_joinable_(max_joinable) {
  auto jobs = engine_.identified(max_joinable);
  if (!jobs.ok()) return;  // a table that cannot be read says so to every request
  // Whoever sent them may have been told the ids.
  for (auto& job : *jobs) add({std::move(job.job_id), std::move(job.identity), 0, true});
}

JobJoin::Waiter::Waiter(Waiter&& other) noexcept
    : join_(std::exchange(other.join_, nullptr)),
      job_id_(std::move(other.job_id_)),
      joined_(other.joined_) {}

JobJoin::Waiter::~Waiter() {
  if (join_ != nullptr) join_->leave(job_id_, Leaving::withdrawn);
}

void JobJoin::Waiter::served(const engine::JobView& job) {
  JobJoin* join = std::exchange(join_, nullptr);
  if (join == nullptr) return;
  join->leave(job_id_, schemas::is_terminal(job.state) ? Leaving::answered : Leaving::told);
}

Result<JobJoin::Waiter> JobJoin::enter(WorkRequest work) {
  const schemas::Joining joining = work.joining;
  const bool can_be_joined = joining.by_content || joining.idempotency_key;
  Entry entry;
  if (can_be_joined) {
    entry.identity.content = content_of(work);
    entry.identity.key = key_of(joining, entry.identity.content);
  }
  std::unique_lock lock(mutex_, std::defer_lock);
  if (can_be_joined) {
    lock.lock();
    auto equal = find_equal(entry, joining);
    if (!equal.ok()) return equal.error();
    if (*equal != entries_.end()) {
      ++(*equal)->waiters;
      return Waiter(this, (*equal)->job_id, true);
    }
  }
  auto job_id = engine_.submit(std::move(work), entry.identity);
  if (!job_id.ok()) return job_id.error();
  if (!can_be_joined) lock.lock();
  entry.job_id = *job_id;
  entry.waiters = 1;
  return Waiter(this, add(std::move(entry))->job_id, false);
}

JobJoin::Waiter JobJoin::attend(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = by_job_.find(job_id);
  if (found == by_job_.end()) return {nullptr, job_id, true};
  ++found->second->waiters;
  return {this, job_id, true};
}

Result<JobJoin::Place> JobJoin::find_equal(const Entry& wanted, const schemas::Joining& joining) {
  const auto found = by_key_.find(wanted.identity.key);
  if (found == by_key_.end() || joining.fresh) return entries_.end();
  const Place place = found->second;
  const auto job = engine_.find(place->job_id);
  if (!job.ok() || !worth_joining(*job)) return entries_.end();
  if (joining.idempotency_key && place->identity.content != wanted.identity.content)
    return other_content(*joining.idempotency_key, place->job_id, place->identity.content,
                         wanted.identity.content);
  return place;
}

JobJoin::Place JobJoin::add(Entry entry) {
  if (const auto before = by_key_.find(entry.identity.key); before != by_key_.end()) {
    const Place place = before->second;
    by_key_.erase(before);
    place->identity.key.clear();
    if (place->waiters == 0) forget(place);
  }
  if (entries_.size() >= max_joinable_) {
    const auto idle = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& each) { return each.waiters == 0; });
    if (idle != entries_.end()) forget(idle);
  }
  const Place place = entries_.insert(entries_.end(), std::move(entry));
  by_job_[place->job_id] = place;
  if (!place->identity.key.empty()) by_key_[place->identity.key] = place;
  return place;
}

void JobJoin::leave(const std::string& job_id, Leaving how) {
  {
    const std::lock_guard lock(mutex_);
    const Place place = by_job_.at(job_id);  // kept while it has waiters
    if (how == Leaving::told) place->told = true;
    if (--place->waiters > 0) return;
    const bool ends = how == Leaving::withdrawn && !place->told;
    // Forgotten before it is cancelled, so that no equal request joins a job about to end.
    if (ends || place->identity.key.empty()) forget(place);
    if (!ends) return;
  }
  (void)engine_.cancel(job_id);
}

void JobJoin::forget(Place place) {
  if (!place->identity.key.empty()) by_key_.erase(place->identity.key);
  by_job_.erase(place->job_id);
  entries_.erase(place);
}

}  // namespace assay::tools
