// SPDX-License-Identifier: Apache-2.0
// Threads that come when there is work and go when there has been none: a front that starts at once
// and stays small, yet can hold many slow connections.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace assay::mcp {

class WorkerPool {
 public:
  // At most `max_threads` at a time and `max_waiting` pieces of work beyond them.
  WorkerPool(std::size_t max_threads, std::size_t max_waiting);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when there is no room or the pool is stopping; the work is then not taken. Thread-safe.
  bool submit(std::function<void()> work);
  // Takes no more work and returns when all of it is done. Idempotent.
  void stop();

 private:
  static constexpr std::chrono::seconds kIdleLifetime{10};
  // With the lock held; false when the system gives no thread.
  bool start_thread(std::function<void()>& first_work);
  void run(std::function<void()> work);
  // False when the thread has to end.
  bool await_work(std::unique_lock<std::mutex>& lock);

  const std::size_t max_threads_;
  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::condition_variable thread_ended_;
  std::deque<std::function<void()>> waiting_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace assay::mcp
