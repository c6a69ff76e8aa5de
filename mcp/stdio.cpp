// SPDX-License-Identifier: Apache-2.0
#include "mcp/stdio.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <map>
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

// Whole lines, one at a time, whichever thread writes.
class LineWriter {
 public:
  explicit LineWriter(int output) : output_(output) {}

  void write(const Json& message) {
    const std::string line = schemas::dump_json(message) + "\n";
    const std::lock_guard lock(mutex_);
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t count = ::write(output_, line.data() + sent, line.size() - sent);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;  // the reader has gone; the end of input follows
      sent += static_cast<std::size_t>(count);
    }
  }

 private:
  int output_;
  std::mutex mutex_;
};

// The calls in progress by the text of their id.
class CallTable {
 public:
  using Flag = std::shared_ptr<std::atomic<bool>>;

  Flag add(const Json& id) {
    auto flag = std::make_shared<std::atomic<bool>>(false);
    const std::lock_guard lock(mutex_);
    flags_[schemas::dump_json(id)] = flag;
    return flag;
  }
  void remove(const Json& id) {
    const std::lock_guard lock(mutex_);
    flags_.erase(schemas::dump_json(id));
  }
  void withdraw(const Json& id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = flags_.find(schemas::dump_json(id)); found != flags_.end())
      *found->second = true;
  }
  void withdraw_all() {
    const std::lock_guard lock(mutex_);
    for (auto& [id, flag] : flags_) *flag = true;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Flag> flags_;
};

class StdioServer {
 public:
  StdioServer(const Server& server, int output)
      : server_(server), writer_(output), pool_(kMaxStdioCalls, kMaxStdioCalls) {}

  void take(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    if (withdraws(line)) return;
    Handled handled = server_.handle(line, nullptr);
    if (handled.call) return start(std::move(*handled.call));
    if (!handled.body.is_null()) writer_.write(handled.body);
  }

  void refuse_long_line() {
    writer_.write(encode_error(nullptr, {kInvalidRequest, "a message may have at most 8 MiB", {}}));
  }

  void finish() {
    table_.withdraw_all();
    pool_.stop();
  }

 private:
  // notifications/cancelled is about this transport's calls, so it is heeded here.
  bool withdraws(std::string_view line) {
    if (line.find("notifications/cancelled") == std::string_view::npos) return false;
    const Decoded decoded = decode_message(line);
    if (!decoded.message || decoded.message->method != "notifications/cancelled") return false;
    if (const auto id = decoded.message->params.find("requestId");
        id != decoded.message->params.end())
      table_.withdraw(*id);
    return true;
  }

  void start(PendingCall call) {
    const auto withdrawn = table_.add(call.id);
    const auto refuse = call.refuse;
    const Json id = call.id;
    const bool taken = pool_.submit([this, call = std::move(call), withdrawn] {
      const Json response =
          call.run([this](const Json& notification) { writer_.write(notification); },
                   [&withdrawn] { return withdrawn->load(); });
      table_.remove(call.id);
      if (!*withdrawn) writer_.write(response);
    });
    if (taken) return;
    table_.remove(id);
    writer_.write(refuse(Error{ErrorCode::overloaded, "too many calls are in progress", true, {}}));
  }

  const Server& server_;
  LineWriter writer_;
  CallTable table_;
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
      if (too_long_)
        sink.refuse_long_line();
      else
        sink.take(line_);
      line_.clear();
      too_long_ = false;
      bytes.remove_prefix(end + 1);
    }
  }

 private:
  std::string line_;
  bool too_long_ = false;
};

}  // namespace

void serve_stdio(const Server& server, int input, int output, int stop) {
  StdioServer stdio(server, output);
  LineCutter cutter;
  std::array<char, 65'536> buffer{};
  for (;;) {
    std::array<pollfd, 2> waits = {pollfd{input, POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
    if (waits[1].revents != 0) break;
    if (waits[0].revents == 0) continue;
    const ssize_t count = ::read(input, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) break;
    cutter.feed({buffer.data(), static_cast<std::size_t>(count)}, stdio);
  }
  stdio.finish();
}

}  // namespace assay::mcp
