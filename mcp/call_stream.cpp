// SPDX-License-Identifier: Apache-2.0
#include "mcp/call_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace assay::mcp {

using Clock = std::chrono::steady_clock;

class CallStream::Reader final : public EventSource {
 public:
  Reader(std::shared_ptr<CallStream> stream, std::uint64_t number, ReaderOptions options)
      : stream_(std::move(stream)), number_(number), options_(options), last_(options.after) {}

  std::optional<std::string> next(std::chrono::milliseconds patience) override {
    if (std::exchange(options_.primed, false))
      return "id: " + stream_->id_ + "-" + std::to_string(last_) + "\ndata: \n\n";
    std::unique_lock lock(stream_->mutex_);
    const auto unread = [this] {
      return std::find_if(stream_->events_.begin(), stream_->events_.end(),
                          [this](const Event& event) { return event.number > last_; });
    };
    stream_->changed_.wait_for(lock, patience, [&] {
      return unread() != stream_->events_.end() || stream_->finished_ || must_leave();
    });
    if (stream_->readers_ != number_) return std::nullopt;
    if (const auto event = unread(); event != stream_->events_.end()) {
      last_ = event->number;
      return stream_->frame(*event);
    }
    if (must_leave() && !told_when_ && !stream_->finished_) {
      told_when_ = true;
      return "retry: " + std::to_string(stream_->retry_.count()) + "\n\n";
    }
    return std::nullopt;
  }

  bool ended() const override {
    const std::lock_guard lock(stream_->mutex_);
    if (stream_->readers_ != number_ || told_when_) return true;
    return stream_->finished_ && last_ >= stream_->last_number_;
  }

  void closed(bool whole) override {
    if (!whole && options_.closing_withdraws) stream_->withdraw();
  }

 private:
  // With the lock held.
  bool must_leave() const { return stream_->readers_ != number_ || stream_->sent_away_ >= number_; }

  std::shared_ptr<CallStream> stream_;
  const std::uint64_t number_;
  ReaderOptions options_;
  std::uint64_t last_;
  bool told_when_ = false;
};

void CallStream::send(Json message) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    append(std::move(message));
  }
  changed_.notify_all();
}

void CallStream::finish(std::optional<Json> response) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = Clock::now();
    has_response_ = response.has_value();
    if (response) append(std::move(*response));
  }
  changed_.notify_all();
}

void CallStream::send_away(std::chrono::milliseconds retry) {
  {
    const std::lock_guard lock(mutex_);
    if (id_.empty() || finished_) return;
    sent_away_ = std::max<std::uint64_t>(readers_, 1);  // the first one, if it is yet to come
    retry_ = retry;
  }
  changed_.notify_all();
}

bool CallStream::withdrawn() const {
  const std::lock_guard lock(mutex_);
  return withdrawn_;
}

void CallStream::withdraw() {
  const std::lock_guard lock(mutex_);
  withdrawn_ = withdrawn_ || !finished_;
}

std::pair<bool, std::optional<Json>> CallStream::end_within(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return finished_.has_value(); });
  if (!finished_) return {false, std::nullopt};
  if (!has_response_) return {true, std::nullopt};
  return {true, events_.back().message};
}

std::pair<bool, std::optional<Json>> CallStream::sole_answer_within(
    std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience,
                    [this] { return finished_ || !events_.empty() || sent_away_ != 0; });
  if (!finished_ || events_.size() > (has_response_ ? 1 : 0)) return {false, std::nullopt};
  if (!has_response_) return {true, std::nullopt};
  return {true, events_.back().message};
}

std::uint64_t CallStream::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_number_;
}

std::optional<Clock::duration> CallStream::finished_for() const {
  const std::lock_guard lock(mutex_);
  if (!finished_) return std::nullopt;
  return Clock::now() - *finished_;
}

std::shared_ptr<EventSource> CallStream::read(ReaderOptions options) {
  std::shared_ptr<EventSource> reader;
  {
    const std::lock_guard lock(mutex_);
    reader = std::make_shared<Reader>(shared_from_this(), ++readers_, options);
  }
  changed_.notify_all();
  return reader;
}

void CallStream::append(Json message) {
  if (events_.size() >= kMaxMessages) events_.pop_front();
  events_.push_back({++last_number_, std::move(message)});
}

std::string CallStream::frame(const Event& event) const {
  const std::string data = "event: message\ndata: " + schemas::dump_json(event.message) + "\n\n";
  return id_.empty() ? data : "id: " + id_ + "-" + std::to_string(event.number) + "\n" + data;
}

std::optional<EventPlace> read_event_id(const std::string& text) {
  const auto dash = text.rfind('-');
  if (dash == std::string::npos || dash == 0) return std::nullopt;
  EventPlace place;
  place.stream_id = text.substr(0, dash);
  const char* begin = text.data() + dash + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, place.number);
  if (begin == end || error != std::errc() || stop != end) return std::nullopt;
  return place;
}

}  // namespace assay::mcp
