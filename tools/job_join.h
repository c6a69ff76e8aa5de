// SPDX-License-Identifier: Apache-2.0
// Which job a request for work belongs to, and who still wants it: an equal request that was sent
// before is joined instead of run again, and a job whose last waiter has withdrawn is cancelled.
//
// Equal means: the same idempotency_key or, where neither call has one, the same bytes of the job
// (sources, types, contracts, metadata, tolerances, trials, timeout, warnings; not wait_seconds).
// A finished job is joined as long as the engine keeps it, unless it was cancelled, interrupted or
// failed through us. The engine keeps what requests are known by with their jobs, so that an equal
// request finds its job after a restart, too.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/engine.h"
#include "schemas/requests.h"

namespace assay::tools {

// Jobs that can be joined and that nobody waits for at the moment; the oldest are forgotten first.
// Those waited for are bounded by the calls in progress.
inline constexpr std::size_t kMaxJoinableJobs = 4096;

// All members are thread-safe. Must outlive its waiters; the engine must outlive it.
class JobJoin {
 public:
  explicit JobJoin(engine::Engine& engine, std::size_t max_joinable = kMaxJoinableJobs);

  // A call's interest in a job. Ends with `served` or, when it just goes, as a withdrawal: that
  // cancels the job if nobody else waits for it and nobody was told how to come back to it.
  class Waiter {
   public:
    // `join` is null where leaving changes nothing.
    Waiter(JobJoin* join, std::string job_id, bool joined)
        : join_(join), job_id_(std::move(job_id)), joined_(joined) {}
    Waiter(Waiter&& other) noexcept;
    Waiter& operator=(Waiter&&) = delete;
    ~Waiter();

    const std::string& job_id() const { return job_id_; }
    bool joined() const { return joined_; }
    // The caller gets the job as it stands: the answer, or what leads back to it.
    void served(const engine::JobView& job);

   private:
    JobJoin* join_;
    std::string job_id_;
    bool joined_;
  };

  // Joins the job of an equal request or submits a new one. Errors: those of Engine::submit;
  // malformed_call when the idempotency_key stands for other content.
  schemas::Result<Waiter> enter(schemas::WorkRequest work);
  // Waits for a job that someone else asked for; one that this process did not make is never
  // cancelled.
  Waiter attend(const std::string& job_id);

 private:
  struct Entry {
    std::string job_id;
    engine::JobIdentity identity;  // its key in by_key_; empty: not joined
    std::size_t waiters = 0;
    bool told = false;  // someone knows the id and may come back
  };
  using Place = std::list<Entry>::iterator;

  enum class Leaving { answered, told, withdrawn };
  void leave(const std::string& job_id, Leaving how);
  // The rest needs the lock. entries_.end(): a new job has to be made.
  schemas::Result<Place> find_equal(const Entry& wanted, const schemas::Joining& joining);
  Place add(Entry entry);
  void forget(Place place);

  engine::Engine& engine_;
  const std::size_t max_joinable_;
  std::mutex mutex_;          // held while a job that can be joined is submitted: one, not two
  std::list<Entry> entries_;  // oldest first
  std::unordered_map<std::string, Place> by_key_;
  std::unordered_map<std::string, Place> by_job_;
};

}  // namespace assay::tools
