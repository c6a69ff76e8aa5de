// SPDX-License-Identifier: Apache-2.0
#include "mcp/session.h"

#include <algorithm>
#include <utility>

#include "schemas/random_id.h"

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;

namespace {

constexpr std::chrono::milliseconds kAnswerSlice{100};
constexpr std::size_t kMaxQuotedBytes = 500;

}  // namespace

void Session::start(SessionStart start) {
  const std::lock_guard lock(mutex_);
  start_ = std::move(start);
}

std::string Session::version() const {
  const std::lock_guard lock(mutex_);
  return start_.version;
}

Json Session::client_capabilities() const {
  const std::lock_guard lock(mutex_);
  return start_.client_capabilities;
}

void Session::set_log_level(std::string level) {
  const std::lock_guard lock(mutex_);
  log_level_ = std::move(level);
}

std::string Session::log_level() const {
  const std::lock_guard lock(mutex_);
  return log_level_;
}

Session::Flag Session::add_call(const Json& request_id) {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  const std::lock_guard lock(mutex_);
  calls_.emplace(schemas::dump_json(request_id), flag);
  return flag;
}

void Session::remove_call(const Json& request_id, const Flag& flag) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = calls_.equal_range(schemas::dump_json(request_id));
  const auto found =
      std::find_if(first, last, [&](const auto& entry) { return entry.second == flag; });
  if (found != last) calls_.erase(found);
}

void Session::withdraw(const Json& request_id) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = calls_.equal_range(schemas::dump_json(request_id));
  std::for_each(first, last, [](const auto& entry) { *entry.second = true; });
}

void Session::withdraw_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, flag] : calls_) *flag = true;
}

bool Session::has_calls() const {
  const std::lock_guard lock(mutex_);
  return !calls_.empty();
}

schemas::Result<Json> Session::ask(const std::string& method, Json params,
                                   const std::function<void(Json)>& send,
                                   const std::function<bool()>& given_up) {
  std::string key;
  Json request;
  {
    const std::lock_guard lock(mutex_);
    const std::string id = "assay-" + std::to_string(++asked_);
    request = {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
    key = schemas::dump_json(request["id"]);
    questions_[key] = std::nullopt;
  }
  send(std::move(request));
  const auto deadline = Clock::now() + kAnswerPatience;
  std::unique_lock lock(mutex_);
  while (!questions_[key] && Clock::now() < deadline && !given_up())
    answered_.wait_for(lock, kAnswerSlice);
  const std::optional<Message> answer = std::move(questions_[key]);
  questions_.erase(key);
  if (!answer) return Error{ErrorCode::internal, "the client did not answer " + method, true, {}};
  if (!answer->error.is_null())
    return Error{ErrorCode::internal,
                 "the client refused " + method + ": " +
                     schemas::dump_json(answer->error).substr(0, kMaxQuotedBytes),
                 false,
                 {}};
  return answer->result;
}

void Session::answer(const Message& response) {
  {
    const std::lock_guard lock(mutex_);
    const auto question = questions_.find(schemas::dump_json(response.id));
    if (question == questions_.end()) return;  // nobody waits any more
    question->second = response;
  }
  answered_.notify_all();
}

void Session::keep(const std::shared_ptr<CallStream>& stream) {
  const std::lock_guard lock(mutex_);
  forget_old_streams();
  streams_.push_back(stream);
}

std::shared_ptr<CallStream> Session::stream(const std::string& stream_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const auto& stream) { return stream->id() == stream_id; });
  return found == streams_.end() ? nullptr : *found;
}

void Session::forget_old_streams() {
  auto ended = std::count_if(streams_.begin(), streams_.end(),
                             [](const auto& stream) { return stream->finished_for().has_value(); });
  std::erase_if(streams_, [&](const auto& stream) {
    const auto age = stream->finished_for();
    if (!age || (*age < kStreamLifetime && ended < static_cast<std::ptrdiff_t>(kMaxEndedStreams)))
      return false;
    --ended;
    return true;
  });
}

std::shared_ptr<Session> SessionStore::open(SessionStart start) {
  std::string id = schemas::random_id();
  auto session = std::make_shared<Session>(id);
  session->start(std::move(start));
  const std::lock_guard lock(mutex_);
  drop_idle();
  if (sessions_.size() >= most_ && !make_room()) return nullptr;
  sessions_[id] = {session, Session::Clock::now()};
  return session;
}

std::shared_ptr<Session> SessionStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  drop_idle();
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return nullptr;
  found->second.last_use = Session::Clock::now();
  return found->second.session;
}

bool SessionStore::end(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  found->second.session->withdraw_all();
  sessions_.erase(found);
  return true;
}

void SessionStore::withdraw_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : sessions_) entry.session->withdraw_all();
}

void SessionStore::drop_idle() {
  const auto now = Session::Clock::now();
  std::erase_if(sessions_, [&](const auto& item) {
    return now - item.second.last_use > idle_lifetime_ && !item.second.session->has_calls();
  });
}

bool SessionStore::make_room() {
  auto oldest = sessions_.end();
  for (auto item = sessions_.begin(); item != sessions_.end(); ++item) {
    if (item->second.session->has_calls()) continue;
    if (oldest == sessions_.end() || item->second.last_use < oldest->second.last_use) oldest = item;
  }
  if (oldest == sessions_.end()) return false;
  sessions_.erase(oldest);
  return true;
}

}  // namespace assay::mcp
