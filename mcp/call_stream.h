// SPDX-License-Identifier: Apache-2.0
// What one call says to its client, in order: the thread that works on the call writes, a transport
// reads. With an id a reader that was lost can be followed by another, who goes on after the last
// event that the first one got.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mcp/event_source.h"
#include "mcp/jsonrpc.h"

namespace assay::mcp {

// All members are thread-safe.
class CallStream : public std::enable_shared_from_this<CallStream> {
 public:
  // Messages that are kept for a reader; the oldest goes first.
  static constexpr std::size_t kMaxMessages = 256;

  // Event ids are "<id>-<number>"; an empty id gives events without ids, which cannot be resumed.
  explicit CallStream(std::string id = {}) : id_(std::move(id)) {}

  const std::string& id() const { return id_; }

  // Producer. What comes after the end is dropped.
  void send(Json message);
  // The end, with the response unless the call was cancelled.
  void finish(std::optional<Json> response);
  // Sends the reader away: it is to come back for the rest after `retry`. Needs an id.
  void send_away(std::chrono::milliseconds retry);
  bool withdrawn() const;
  void withdraw();

  // The response if the end comes within `patience`; then true is the first value. Messages wait.
  std::pair<bool, std::optional<Json>> end_within(std::chrono::milliseconds patience);
  // The same, but gives up as soon as anything else was said: that needs a stream.
  std::pair<bool, std::optional<Json>> sole_answer_within(std::chrono::milliseconds patience);
  // The number of the last event there is so far; 0: none.
  std::uint64_t last_number() const;
  // How long ago the end was; nothing before it.
  std::optional<std::chrono::steady_clock::duration> finished_for() const;

  struct ReaderOptions {
    std::uint64_t after = 0;         // the number of the last event that the client has
    bool primed = false;             // begins with an event that has an id and no data
    bool closing_withdraws = false;  // a reader who goes before the end takes the call with it
  };
  // A new reader; one before it ends.
  std::shared_ptr<EventSource> read(ReaderOptions options);

 private:
  class Reader;
  struct Event {
    std::uint64_t number = 0;
    Json message;
  };
  void append(Json message);
  std::string frame(const Event& event) const;

  const std::string id_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint64_t last_number_ = 0;
  std::uint64_t readers_ = 0;    // the latest reader's own number
  std::uint64_t sent_away_ = 0;  // readers up to this one are to leave
  std::chrono::milliseconds retry_{0};
  bool withdrawn_ = false;
  bool has_response_ = false;
  std::optional<std::chrono::steady_clock::time_point> finished_;
};

// The last event that a client got, as its Last-Event-ID names it.
struct EventPlace {
  std::string stream_id;
  std::uint64_t number = 0;
};
std::optional<EventPlace> read_event_id(const std::string& text);

}  // namespace assay::mcp
