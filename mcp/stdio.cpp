// SPDX-License-Identifier: Apache-2.0
#include "mcp/stdio.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <functional>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "mcp/worker_pool.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;

// At the end a client that reads nothing gets this long to take what is still to be said.
constexpr std::chrono::milliseconds kLastWords{1'000};
constexpr std::chrono::milliseconds kEndPoll{100};
// And calls get it to end by themselves, at the end of input.
constexpr std::chrono::milliseconds kLastCalls{1'000};
constexpr int kLastCallsPollMilliseconds = 5;

// Whole lines, one at a time, whichever thread writes. A client that does not read holds the
// writers up, but not the end: once `stop` is readable, what finds no room is dropped.
class LineWriter {
 public:
  LineWriter(int output, int stop) : output_(output), stop_(stop) {}

  void write(const Json& message) {
    const std::string line = schemas::dump_json(message) + "\n";
    const std::lock_guard lock(mutex_);
    for (std::size_t sent = 0; sent < line.size() && !lost_;) {
      if (!await_room()) break;
      // A pipe with room takes this much without blocking.
      const std::size_t piece = std::min<std::size_t>(line.size() - sent, PIPE_BUF);
      const ssize_t count = ::write(output_, line.data() + sent, piece);
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (count <= 0) lost_ = true;  // the reader has gone; the end of input follows
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  // With the lock held. False, and nothing is written any more, when the end has come and there is
  // still no room.
  bool await_room() {
    while (!lost_) {
      pollfd wait{output_, POLLOUT, 0};
      const int count = ::poll(&wait, 1, static_cast<int>(kEndPoll.count()));
      if (count < 0 && errno != EINTR) lost_ = true;
      if (count > 0) return true;  // or the reader has gone, which write() tells
      if (!given_up_at_ && is_ending()) given_up_at_ = Clock::now() + kLastWords;
      if (given_up_at_ && Clock::now() >= *given_up_at_) lost_ = true;
    }
    return false;
  }

  bool is_ending() const {
    pollfd wait{stop_, POLLIN, 0};
    return ::poll(&wait, 1, 0) > 0;
  }

  const int output_;
  const int stop_;
  std::mutex mutex_;
  std::optional<Clock::time_point> given_up_at_;
  bool lost_ = false;
};

// What a call has of its client over lines: the one writer, and the session that may withdraw it.
class CallOnLines final : public CallPeer {
 public:
  CallOnLines(LineWriter& writer, Session& session, Json id)
      : writer_(writer), session_(session), id_(std::move(id)), withdrawn_(session.add_call(id_)) {}
  ~CallOnLines() override { session_.remove_call(id_, withdrawn_); }
  CallOnLines(const CallOnLines&) = delete;
  CallOnLines& operator=(const CallOnLines&) = delete;

  void notify(Json notification) override { writer_.write(notification); }
  bool cancelled() const override { return *withdrawn_; }
  schemas::Result<Json> ask(const std::string& method, Json params) override {
    return session_.ask(
        method, std::move(params), [this](const Json& request) { writer_.write(request); },
        [this] { return cancelled(); });
  }
  void send_away(std::chrono::milliseconds) override {}

 private:
  LineWriter& writer_;
  Session& session_;
  Json id_;
  Session::Flag withdrawn_;
};

// Gathers the responses of a batch and writes them as one line when the last has come.
class Batch {
 public:
  Batch(LineWriter& writer, std::size_t parts) : writer_(writer), left_(parts) {}

  void add(const Json& response) {  // null: a part without one
    const std::lock_guard lock(mutex_);
    if (!response.is_null()) responses_.push_back(response);
    if (--left_ == 0 && !responses_.empty()) writer_.write(responses_);
  }

 private:
  LineWriter& writer_;
  std::mutex mutex_;
  std::size_t left_;
  Json responses_ = Json::array();
};

class StdioServer {
 public:
  StdioServer(const Server& server, int output, int stop)
      : server_(server),
        stop_(stop),
        writer_(output, stop),
        pool_(kMaxStdioCalls, kMaxStdioCalls) {}

  void take(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const DecodedText text = decode_text(line);
    if (!text.is_batch)
      return take(text.parts.front(), [this](const Json& response) {
        if (!response.is_null()) writer_.write(response);
      });
    if (const auto refused = refuse_batch(text.parts, session_->version()))
      return writer_.write(encode_error(nullptr, *refused));
    const auto batch = std::make_shared<Batch>(writer_, text.parts.size());
    for (const Decoded& part : text.parts) {
      const Reply reply = [batch](const Json& response) { batch->add(response); };
      const bool opens = part.message && part.message->kind == Message::Kind::request &&
                         part.message->method == "initialize";
      if (opens)
        reply(encode_error(part.id, {kInvalidRequest, kNoPartOfBatch, {}}));
      else
        take(part, reply);
    }
  }

  void refuse_long_line() {
    writer_.write(encode_error(nullptr, {kInvalidRequest, "a message may have at most 8 MiB", {}}));
  }

  // Until the calls have ended, a moment has passed or the server stops. Input from a file or a
  // pipe of messages ends before the last ones are answered.
  void await_calls() const {
    const auto until = std::chrono::steady_clock::now() + kLastCalls;
    while (calls_ > 0 && std::chrono::steady_clock::now() < until) {
      pollfd wait{stop_, POLLIN, 0};
      if (::poll(&wait, 1, kLastCallsPollMilliseconds) > 0) return;
    }
  }

  void finish() {
    session_->withdraw_all();
    pool_.stop();
  }

 private:
  // Gets the response exactly once; null where there is none.
  using Reply = std::function<void(const Json&)>;

  void take(const Decoded& part, const Reply& reply) {
    if (!part.message) return reply(encode_error(part.id, part.error));
    Handled handled = server_.handle(*part.message, {nullptr, session_});
    if (handled.opens) session_->start(std::move(*handled.opens));
    if (handled.call) return start(std::move(*handled.call), reply);
    reply(part.message->kind == Message::Kind::request ? handled.body : Json());
  }

  void start(PendingCall call, const Reply& reply) {
    const auto peer = std::make_shared<CallOnLines>(writer_, *session_, call.id);
    const auto refuse = call.refuse;
    ++calls_;
    const bool taken = pool_.submit([this, call = std::move(call), peer, reply] {
      const Json response = call.run(*peer);
      reply(peer->cancelled() ? Json() : response);
      --calls_;
    });
    if (taken) return;
    reply(refuse(Error{ErrorCode::overloaded, "too many calls are in progress", true, {}}));
    --calls_;
  }

  const Server& server_;
  const int stop_;
  std::atomic<std::size_t> calls_ = 0;  // in progress
  LineWriter writer_;
  std::shared_ptr<Session> session_ = std::make_shared<Session>();
  WorkerPool pool_;
};

// Cuts a stream of bytes into lines of bounded length.
class LineCutter {
 public:
  void feed(std::string_view bytes, StdioServer& sink) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (!too_long_ && line_.size() + part.size() > kMaxLineBytes) {
        too_long_ = true;
        line_.clear();
        line_.shrink_to_fit();
      }
      if (!too_long_) line_ += part;
      if (end == std::string_view::npos) return;
      end_line(sink);
      bytes.remove_prefix(end + 1);
    }
  }

  // At the end of input, which ends a line too.
  void end_line(StdioServer& sink) {
    if (too_long_)
      sink.refuse_long_line();
    else
      sink.take(line_);
    line_.clear();
    too_long_ = false;
  }

 private:
  std::string line_;
  bool too_long_ = false;
};

}  // namespace

void serve_stdio(const Server& server, int input, int output, int stop) {
  StdioServer stdio(server, output, stop);
  LineCutter cutter;
  std::array<char, 65'536> buffer{};
  for (;;) {
    std::array<pollfd, 2> waits = {pollfd{input, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    if (waits[1].revents != 0) break;
    if (waits[0].revents == 0) continue;
    const ssize_t count = ::read(input, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) {
      cutter.end_line(stdio);
      stdio.await_calls();
      break;
    }
    cutter.feed({buffer.data(), static_cast<std::size_t>(count)}, stdio);
  }
  stdio.finish();
}

}  // namespace assay::mcp
