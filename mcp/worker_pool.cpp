// SPDX-License-Identifier: Apache-2.0
#include "mcp/worker_pool.h"

#include <system_error>
#include <thread>

namespace assay::mcp {

WorkerPool::WorkerPool(std::size_t max_threads, std::size_t max_waiting)
    : max_threads_(max_threads), max_waiting_(max_waiting) {}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  if (waiting_.size() < idle_) {
    waiting_.push_back(std::move(work));
    work_or_stop_.notify_one();
    return true;
  }
  if (threads_ < max_threads_ && start_thread(work)) return true;
  if (threads_ == 0 || waiting_.size() >= max_waiting_) return false;
  waiting_.push_back(std::move(work));
  return true;
}

bool WorkerPool::start_thread(std::function<void()>& first_work) {
  ++threads_;
  try {
    // Moved on, so that nothing of it lives until the thread itself ends, after the pool.
    std::thread([this, work = first_work]() mutable { run(std::move(work)); }).detach();
    return true;
  } catch (const std::system_error&) {  // the system gives no more threads
    --threads_;
    return false;
  }
}

void WorkerPool::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_or_stop_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_ == 0; });
}

void WorkerPool::run(std::function<void()> work) {
  std::unique_lock lock(mutex_, std::defer_lock);
  for (;;) {
    work();
    work = nullptr;  // what it holds is released before the next wait
    lock.lock();
    if (!await_work(lock)) break;
    work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
  }
  // Under the lock: once it is released with no thread left, the pool may be gone. Only the last
  // one tells: a thousand wake-ups of who waits would hold up the threads that are still to end.
  if (--threads_ == 0) thread_ended_.notify_all();
}

bool WorkerPool::await_work(std::unique_lock<std::mutex>& lock) {
  if (!waiting_.empty()) return true;
  if (stopping_) return false;
  ++idle_;
  work_or_stop_.wait_for(lock, kIdleLifetime, [this] { return stopping_ || !waiting_.empty(); });
  --idle_;
  return !waiting_.empty();
}

}  // namespace assay::mcp
