// SPDX-License-Identifier: Apache-2.0
#include "mcp/mcp_endpoint.h"

#include <algorithm>
#include <mutex>
#include <tuple>

#include <spdlog/spdlog.h>

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;

namespace {

constexpr std::chrono::milliseconds kEndPoll{200};  // a client that has gone is noticed within it
constexpr const char* kSessionHeader = "Mcp-Session-Id";
constexpr int kSessionError = -32000;  // of no message of a revision: the SDKs' own choice

McpReply refuse(int status, int code, std::string message, const Json& id = nullptr) {
  McpReply reply;
  reply.status = status;
  reply.body = encode_error(id, {code, std::move(message), {}});
  return reply;
}

McpReply not_allowed(std::string message) {
  McpReply reply = refuse(405, kSessionError, std::move(message));
  reply.headers.emplace_back("Allow", "GET, POST, DELETE");
  return reply;
}

McpReply unknown_session() {
  return refuse(404, kSessionError, "this session is unknown or has ended: send initialize again");
}

bool has_gone(const McpRequest& request) {
  return request.client_gone && request.client_gone();
}

// Nobody reads it.
McpReply reply_to_nobody() {
  McpReply reply;
  reply.status = 202;
  return reply;
}

}  // namespace

// What a call has of its client over HTTP: a stream, and the session that may withdraw it.
class McpEndpoint::CallOnHttp final : public CallPeer {
 public:
  CallOnHttp(std::shared_ptr<CallStream> stream, std::shared_ptr<Session> session, Json id)
      : stream_(std::move(stream)), session_(std::move(session)), id_(std::move(id)) {
    if (session_) withdrawn_ = session_->add_call(id_);
  }
  ~CallOnHttp() override {
    if (session_) session_->remove_call(id_, withdrawn_);
  }
  CallOnHttp(const CallOnHttp&) = delete;
  CallOnHttp& operator=(const CallOnHttp&) = delete;

  void notify(Json notification) override { stream_->send(std::move(notification)); }
  bool cancelled() const override { return withdrawn_by_message() || stream_->withdrawn(); }
  schemas::Result<Json> ask(const std::string& method, Json params) override {
    if (!session_)
      return Error{ErrorCode::internal, method + " needs a session: send initialize", false, {}};
    return session_->ask(
        method, std::move(params), [this](Json request) { stream_->send(std::move(request)); },
        [this] { return cancelled(); });
  }
  void send_away(std::chrono::milliseconds retry) override { stream_->send_away(retry); }

  bool withdrawn_by_message() const { return withdrawn_ && withdrawn_->load(); }

 private:
  std::shared_ptr<CallStream> stream_;
  std::shared_ptr<Session> session_;
  Json id_;
  Session::Flag withdrawn_;
};

// Gathers the responses of a batch, all of which share one stream. That ends with their list, or,
// for a client that reads it as a stream, with one message each: the SDKs expect no lists there.
class McpEndpoint::BatchAnswers {
 public:
  BatchAnswers(std::shared_ptr<CallStream> stream, std::size_t parts)
      : stream_(std::move(stream)), left_(parts) {}

  void add(Json response) {  // null: a part without one
    const std::lock_guard lock(mutex_);
    if (!response.is_null()) responses_.push_back(std::move(response));
    if (--left_ > 0) return;
    // Last, where no progress can push them out of what a stream keeps.
    if (singly_)
      for (Json& each : responses_) stream_->send(std::move(each));
    const bool has_list = !singly_ && !responses_.empty();
    stream_->finish(has_list ? std::optional(std::move(responses_)) : std::nullopt);
  }

  // False when the list is already sent.
  bool send_singly() {
    const std::lock_guard lock(mutex_);
    singly_ = left_ > 0;
    return singly_;
  }

 private:
  std::shared_ptr<CallStream> stream_;
  std::mutex mutex_;
  std::size_t left_;
  bool singly_ = false;
  Json responses_ = Json::array();
};

McpEndpoint::McpEndpoint(const Server& server, McpEndpointOptions options)
    : server_(server), options_(options), calls_(options.max_calls, options.max_calls) {}

McpReply McpEndpoint::handle(const McpRequest& request) {
  if (request.method == "POST") return post(request);
  if (request.method == "GET") return resume(request);
  if (request.method == "DELETE") return end_session(request);
  return not_allowed("use POST; GET resumes a stream, DELETE ends a session");
}

McpReply McpEndpoint::post(const McpRequest& request) {
  const DecodedText text = decode_text(request.body);
  const Decoded& first = text.parts.front();
  if (!text.is_batch && !first.message) {
    McpReply reply;
    reply.status = 400;
    reply.body = encode_error(first.id, first.error);
    return reply;
  }
  Peer peer{&request.headers, nullptr};
  const bool modern = !text.is_batch && era_of(*first.message) == Era::modern;
  if (!modern && request.headers.session_id) {
    peer.session = sessions_.find(*request.headers.session_id);
    if (!peer.session) return unknown_session();
  }
  if (!text.is_batch) return take(*first.message, peer, request);

  // Who says no version speaks the one that had no header for it.
  const std::string version = peer.session
                                  ? peer.session->version()
                                  : request.headers.protocol_version.value_or(kBatchVersion);
  if (const auto refused = refuse_batch(text.parts, version))
    return refuse(400, refused->code, refused->message);
  return take_batch(text.parts, peer, request);
}

McpReply McpEndpoint::take(const Message& message, const Peer& peer, const McpRequest& request) {
  const bool accepts_stream = request.accepts_stream;
  Handled handled = server_.handle(message, peer);
  McpReply reply;
  reply.status = handled.http_status;
  if (handled.opens) {
    const auto session = sessions_.open(std::move(*handled.opens));
    if (!session)
      return refuse(503, kSessionError, "too many sessions are at work: try again later",
                    message.id);
    reply.headers.emplace_back(kSessionHeader, session->id());
  }
  CallStream::ReaderOptions reading;
  reading.primed = peer.session && peer.session->version() >= kPrimingVersion;
  if (!handled.call && options_.stream_lists && accepts_stream && handled.http_status == 200 &&
      message.method == "tools/list") {
    const auto stream = new_stream(peer.session);
    stream->finish(std::move(handled.body));
    reply.events = stream->read(reading);
    return reply;
  }
  if (!handled.call) {
    reply.body = std::move(handled.body);
    return reply;
  }

  reading.closing_withdraws = handled.call->closing_cancels;
  const bool wants_progress = handled.call->wants_progress;
  const auto stream = new_stream(peer.session);
  start(std::move(*handled.call), peer.session, stream,
        [stream](std::optional<Json> response) { stream->finish(std::move(response)); });
  return reply_from(stream, {reading, wants_progress, nullptr}, peer, request);
}

McpReply McpEndpoint::reply_from(const std::shared_ptr<CallStream>& stream, const Awaited& awaited,
                                 const Peer& peer, const McpRequest& request) {
  const bool accepts_stream = request.accepts_stream;
  auto patience =
      awaited.wants_progress ? std::chrono::milliseconds::zero() : options_.stream_after;
  if (!accepts_stream) patience = kEndPoll;
  McpReply reply;
  do {
    auto [ended, response] =
        accepts_stream ? stream->sole_answer_within(patience) : stream->end_within(patience);
    if (!ended && accepts_stream && awaited.batch != nullptr && !awaited.batch->send_singly())
      std::tie(ended, response) = stream->end_within(patience);  // it ended this very moment
    if (ended) {
      // A call that its client has withdrawn has no response.
      reply.status = response ? 200 : 202;
      reply.body = response ? std::move(*response) : Json();
      return reply;
    }
    if (!accepts_stream && has_gone(request)) {
      if (awaited.reading.closing_withdraws) stream->withdraw();
      return reply_to_nobody();
    }
  } while (!accepts_stream);
  if (peer.session) peer.session->keep(stream);
  reply.events = stream->read(awaited.reading);
  return reply;
}

std::shared_ptr<CallStream> McpEndpoint::new_stream(const std::shared_ptr<Session>& session) {
  return std::make_shared<CallStream>(session ? std::to_string(++streams_) : std::string());
}

void McpEndpoint::start(PendingCall call, const std::shared_ptr<Session>& session,
                        const std::shared_ptr<CallStream>& stream, const Ended& ended) {
  const auto refuse = call.refuse;
  const auto peer = std::make_shared<CallOnHttp>(stream, session, call.id);
  const bool taken = calls_.submit([call = std::move(call), peer, ended] {
    std::optional<Json> response;
    try {
      response = call.run(*peer);
    } catch (const std::exception& defect) {
      spdlog::error("a call failed: {}", defect.what());
      response = call.refuse(Error{ErrorCode::internal, "internal error", true, {}});
    }
    if (peer->withdrawn_by_message()) response.reset();
    ended(std::move(response));
  });
  if (!taken)
    ended(refuse(Error{ErrorCode::overloaded, "too many calls are in progress", true, {}}));
}

McpReply McpEndpoint::take_batch(const std::vector<Decoded>& parts, const Peer& peer,
                                 const McpRequest& request) {
  const auto stream = new_stream(peer.session);
  const auto answers = std::make_shared<BatchAnswers>(stream, parts.size());
  Awaited awaited;
  awaited.batch = answers.get();
  for (const Decoded& part : parts) {
    if (!part.message) {
      answers->add(encode_error(part.id, part.error));
      continue;
    }
    Handled handled = server_.handle(*part.message, peer);
    if (handled.opens) handled.body = encode_error(part.id, {kInvalidRequest, kNoPartOfBatch, {}});
    if (!handled.call) {
      answers->add(std::move(handled.body));
      continue;
    }
    awaited.wants_progress = awaited.wants_progress || handled.call->wants_progress;
    start(std::move(*handled.call), peer.session, stream, [answers](std::optional<Json> response) {
      answers->add(response ? std::move(*response) : Json());
    });
  }
  return reply_from(stream, awaited, peer, request);
}

McpReply McpEndpoint::resume(const McpRequest& request) {
  if (!request.accepts_stream) return refuse(406, kSessionError, kWantsStream);
  if (!request.headers.session_id || !request.headers.last_event_id)
    return not_allowed(
        "a stream begins with POST; GET resumes one, with Mcp-Session-Id and Last-Event-ID");
  const auto session = sessions_.find(*request.headers.session_id);
  if (!session) return unknown_session();
  const auto place = read_event_id(*request.headers.last_event_id);
  const auto stream = place ? session->stream(place->stream_id) : nullptr;
  if (!stream || place->number > stream->last_number())
    return refuse(
        400, kInvalidParams,
        "Last-Event-ID names no event of this session, or one of a stream that is no "
        "longer kept: send the same request again, it joins its job; or call get_job_status "
        "with the job's id");
  McpReply reply;
  reply.events = stream->read({place->number, false, false});
  return reply;
}

McpReply McpEndpoint::end_session(const McpRequest& request) {
  if (!request.headers.session_id)
    return not_allowed("DELETE ends a session: name it in Mcp-Session-Id");
  if (!sessions_.end(*request.headers.session_id)) return unknown_session();
  McpReply reply;
  reply.status = 200;
  return reply;
}

}  // namespace assay::mcp
