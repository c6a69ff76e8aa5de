// SPDX-License-Identifier: Apache-2.0
// What a legacy connection keeps between its messages: what was agreed at initialize, its calls in
// progress, our own requests to the client and the streams it may come back to. stdio has one, HTTP
// gives each an id. All members are thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "mcp/call_stream.h"
#include "mcp/jsonrpc.h"

namespace assay::mcp {

// What the client said at initialize.
struct SessionStart {
  std::string version;  // the negotiated one
  Json client_capabilities = Json::object();
};

class Session {
 public:
  using Flag = std::shared_ptr<std::atomic<bool>>;
  using Clock = std::chrono::steady_clock;

  // Streams that have ended and may still be asked for.
  static constexpr std::size_t kMaxEndedStreams = 8;
  static constexpr std::chrono::minutes kStreamLifetime{5};
  static constexpr std::chrono::seconds kAnswerPatience{60};

  explicit Session(std::string id = {}) : id_(std::move(id)) {}

  const std::string& id() const { return id_; }
  void start(SessionStart start);
  std::string version() const;  // empty before initialize
  Json client_capabilities() const;

  void set_log_level(std::string level);
  std::string log_level() const;  // empty: the client asked for none

  // A call in progress; the flag rises when it is withdrawn.
  Flag add_call(const Json& request_id);
  void remove_call(const Json& request_id, const Flag& flag);
  void withdraw(const Json& request_id);
  void withdraw_all();
  bool has_calls() const;

  // Asks the client: `send` gets the request, its answer comes by answer(). Blocks until then,
  // until `given_up` says so or for kAnswerPatience. Error: internal, with the client's words.
  schemas::Result<Json> ask(const std::string& method, Json params,
                            const std::function<void(Json)>& send,
                            const std::function<bool()>& given_up);
  void answer(const Message& response);

  void keep(const std::shared_ptr<CallStream>& stream);
  std::shared_ptr<CallStream> stream(const std::string& stream_id) const;  // null: unknown

 private:
  void forget_old_streams();

  const std::string id_;
  mutable std::mutex mutex_;
  std::condition_variable answered_;
  SessionStart start_;
  std::string log_level_;
  std::multimap<std::string, Flag> calls_;  // by the text of the request's id
  std::int64_t asked_ = 0;
  std::map<std::string, std::optional<Message>> questions_;
  std::deque<std::shared_ptr<CallStream>> streams_;  // oldest first
};

// The sessions of an HTTP server: bounded, and forgotten when idle. Thread-safe.
class SessionStore {
 public:
  static constexpr std::size_t kMaxSessions = 512;
  static constexpr std::chrono::minutes kIdleLifetime{60};

  explicit SessionStore(std::size_t most = kMaxSessions,
                        std::chrono::milliseconds idle_lifetime = kIdleLifetime)
      : most_(most), idle_lifetime_(idle_lifetime) {}

  // The least recently used one without a call goes first when there is no room; null when all have
  // calls.
  std::shared_ptr<Session> open(SessionStart start);
  std::shared_ptr<Session> find(const std::string& id);  // null: unknown or ended
  // Withdraws its calls. False: unknown.
  bool end(const std::string& id);
  void withdraw_all();

 private:
  struct Entry {
    std::shared_ptr<Session> session;
    Session::Clock::time_point last_use;
  };
  void drop_idle();
  bool make_room();

  const std::size_t most_;
  const std::chrono::milliseconds idle_lifetime_;
  std::mutex mutex_;
  std::map<std::string, Entry> sessions_;
};

}  // namespace assay::mcp
