// SPDX-License-Identifier: Apache-2.0
// Server-sent events of one call: the mailbox between the thread that works on the call and the one
// that writes its stream, and the text of a frame.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "mcp/jsonrpc.h"

namespace assay::mcp {

// A comment is sent when nothing else was for this long, so that proxies and hosts keep the stream.
inline constexpr std::chrono::seconds kCommentInterval{10};
// Progress that a slow reader has not taken yet; the oldest goes first.
inline constexpr std::size_t kMaxPendingNotifications = 64;

// "event: message\ndata: <json>\n\n".
std::string event_frame(const Json& message);
inline constexpr const char* kCommentFrame = ": still working\n\n";

// All members are thread-safe. One thread produces, one consumes.
class CallStream {
 public:
  // Producer. A notification after the end, or for a reader who has gone, is dropped.
  void notify(Json notification);
  void finish(Json response);

  // Consumer. Nothing after `patience`, or when nothing will come any more.
  std::optional<Json> next(std::chrono::milliseconds patience);
  // True once `finish` was called and everything was taken.
  bool drained() const;
  // The response if it comes within `patience`; notifications wait.
  std::optional<Json> response_within(std::chrono::milliseconds patience);

  // The reader has gone. `withdraws`: the call goes with it.
  void abandon(bool withdraws);
  bool withdrawn() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> notifications_;
  std::optional<Json> response_;
  bool finished_ = false;
  bool abandoned_ = false;
  bool withdrawn_ = false;
};

}  // namespace assay::mcp
