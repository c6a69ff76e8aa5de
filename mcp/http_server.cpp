// SPDX-License-Identifier: Apache-2.0
#include "mcp/http_server.h"

#include <atomic>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "mcp/form.h"
#include "mcp/guarded_server.h"
#include "mcp/mcp_endpoint.h"
#include "mcp/rest_answers.h"
#include "mcp/worker_pool.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;

constexpr int kListenBacklog = 1'024;
constexpr std::size_t kRefusingThreads = 16;
constexpr std::chrono::milliseconds kStreamPoll{
    200};  // a reader who has gone is noticed within this time
constexpr const char* kEventStream = "text/event-stream";

// Gives the library's connections threads of a pool that grows and shrinks. Its queue has no bound
// of its own: what waits in it are accepted sockets, which the limit on open files bounds.
class ConnectionQueue final : public httplib::TaskQueue {
 public:
  explicit ConnectionQueue(std::size_t max_threads)
      : pool_(max_threads, static_cast<std::size_t>(-1)) {}

  using EnqueueResult = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));
  EnqueueResult enqueue(std::function<void()> serve_connection) override {
    return static_cast<EnqueueResult>(pool_.submit(std::move(serve_connection)));
  }
  void shutdown() override { pool_.stop(); }

 private:
  WorkerPool pool_;
};

RequestHead head_of(const httplib::Request& request) {
  RequestHead head;
  head.method = request.method;
  head.path = request.path;
  for (const auto& [name, value] : request.headers)
    head.headers.emplace_back(lower_case(name), value);
  return head;
}

McpHeaders mcp_headers_of(const RequestHead& head) {
  return {head.header("MCP-Protocol-Version"), head.header("Mcp-Method"), head.header("Mcp-Name"),
          head.header("Mcp-Session-Id"), head.header("Last-Event-ID")};
}

// Bodies go out through a provider: the library would otherwise compress them at its slowest
// setting.
void send_text(httplib::Response& response, int status, std::string text,
               const std::string& type = kJsonType) {
  response.status = status;
  const std::size_t size = text.size();
  response.set_content_provider(
      size, type,
      [text = std::move(text)](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        sink.write(text.data() + offset, length);
        return true;
      });
}

void send_json(httplib::Response& response, int status, const Json& body) {
  send_text(response, status, schemas::dump_json(body));
}

bool accepts_stream(const RequestHead& head) {
  const auto accept = head.header("Accept");
  return !accept || accept->find(kEventStream) != std::string::npos ||
         accept->find("*/*") != std::string::npos;
}

// Writes the frames of a source, and a comment in long silences.
class StreamWriter {
 public:
  // `open_streams` holds one for it, until it is released.
  StreamWriter(std::shared_ptr<EventSource> events, std::atomic<std::size_t>& open_streams)
      : events_(std::move(events)), open_streams_(open_streams) {}

  // Called by the library in a loop until the sink is done. Must not throw: that would end the
  // process.
  bool write_some(httplib::DataSink& sink) noexcept {
    try {
      if (!sink.is_writable()) return false;  // the reader has gone
      if (const auto frame = events_->next(kStreamPoll)) {
        write(sink, *frame);
      } else if (events_->ended()) {
        sink.done();
        whole_ = true;
      } else if (Clock::now() - last_write_ >= kCommentInterval) {
        write(sink, kCommentFrame);
      }
      return true;
    } catch (const std::exception& defect) {
      spdlog::error("writing an event stream failed: {}", defect.what());
      return false;
    }
  }

  void released() noexcept {
    --open_streams_;
    try {
      events_->closed(whole_);
    } catch (const std::exception& defect) {
      spdlog::error("ending an event stream failed: {}", defect.what());
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  void write(httplib::DataSink& sink, const std::string& frame) {
    sink.write(frame.data(), frame.size());
    last_write_ = Clock::now();
  }

  std::shared_ptr<EventSource> events_;
  std::atomic<std::size_t>& open_streams_;
  bool whole_ = false;
  Clock::time_point last_write_ = Clock::now();
};

GuardedServerOptions guarded_options(const HttpOptions& options) {
  GuardedServerOptions guarded;
  guarded.guard.allowed_hosts = allowed_hosts_for(options.host, options.allowed_hosts);
  guarded.guard.allowed_origins = options.allowed_origins;
  guarded.guard.auth = options.auth;
  guarded.clients = options.clients;
  guarded.connection.keep_alive = options.keep_alive;
  guarded.connection.head_limit = guarded.connection.read_timeout = options.read_timeout;
  guarded.connection.write_timeout = options.write_timeout;
  guarded.max_connections = options.max_connections;
  guarded.max_bodies_bytes = options.max_bodies_bytes;
  guarded.requests_per_connection = options.requests_per_connection;
  return guarded;
}

}  // namespace

class HttpServer::Implementation {
 public:
  explicit Implementation(HttpOptions options)
      : options_(std::move(options)),
        http_(
            guarded_options(options_),
            [this](const httplib::Request& request, httplib::Response& response,
                   const ClientGone& client_gone) { answer(request, response, client_gone); },
            [this](const RequestHead& head, const HttpRefusal& refused) {
              if (rest_ != nullptr) rest_->count(head.method, head.path, refused.status);
              const RestResponse body =
                  rest_refusal(head.method, head.path, refused.status, refused.message);
              return GuardedServer::RefusalBody{body.content_type, schemas::dump_json(body.body)};
            }) {}

  schemas::Result<int> listen() {
    configure();
    int port = options_.port;
    bool bound = false;
    if (port == 0) {
      port = http_.bind_to_any_port(options_.host);
      bound = port > 0;
    } else {
      bound = http_.bind_to_port(options_.host, port);
    }
    if (!bound)
      return Error{ErrorCode::internal,
                   "cannot listen on " + options_.host + ":" + std::to_string(options_.port) +
                       " (is another server running there?)",
                   false,
                   {}};
    // The library's backlog of 5 is compiled in; listening again raises it.
    if (listener_ >= 0 && ::listen(listener_, kListenBacklog) != 0)
      spdlog::warn("raising the backlog failed: {}", std::strerror(errno));
    return port;
  }

  bool serve(const Server& server, const Rest& rest) {
    endpoint_ = std::make_unique<McpEndpoint>(
        server,
        McpEndpointOptions{options_.max_calls, options_.stream_after, options_.stream_lists});
    rest_ = &rest;
    serving_ = true;
    if (stopping_) return true;
    const bool accepted = http_.listen_after_bind();
    serving_ = false;
    endpoint_->stop();
    return accepted || stopping_;
  }

  void stop() {
    stopping_ = true;
    // The library forgets a stop that comes before its accept loop runs.
    while (serving_ && !http_.is_running())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    http_.drain(options_.drain_patience);
    http_.stop();
  }

 private:
  using ClientGone = GuardedServer::ClientGone;

  void configure() {
    http_.set_tcp_nodelay(true);
    // Not the library's default, which lets a second server share the port silently.
    http_.set_socket_options([this](int socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      listener_ = socket;
    });
    // What the header Keep-Alive says; the reader keeps to the same figures.
    http_.set_keep_alive_timeout(static_cast<time_t>(options_.keep_alive.count()));
    http_.set_keep_alive_max_count(options_.requests_per_connection);
    // Those beyond the limit need a thread too, to be told so.
    http_.new_task_queue = [this] {
      return new ConnectionQueue(options_.max_connections + kRefusingThreads);
    };
    http_.set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, const std::exception_ptr& defect) {
          try {
            std::rethrow_exception(defect);
          } catch (const std::exception& error) {
            spdlog::error("a request handler failed: {}", error.what());
          } catch (...) {
            spdlog::error("a request handler failed");
          }
          send_json(response, 500, rest_error(500, "internal error"));
        });
    http_.set_logger([this](const httplib::Request& request, const httplib::Response& response) {
      if (rest_ != nullptr) rest_->count(request.method, request.path, response.status);
    });
  }

  // The request has passed the guard; its body is whole.
  void answer(const httplib::Request& request, httplib::Response& response,
              const ClientGone& client_gone) {
    const RequestHead head = head_of(request);
    if (const auto metadata = resource_metadata(head, options_.auth))
      return send_json(response, 200, *metadata);
    if (request.path == "/mcp") return answer_mcp(head, request.body, response, client_gone);
    answer_rest(head, request, response, client_gone);
  }

  void answer_rest(const RequestHead& head, const httplib::Request& request,
                   httplib::Response& response, const ClientGone& client_gone) {
    const std::string type = request.get_header_value("Content-Type");
    RestResponse answer = rest_->handle({request.method,
                                         request.path,
                                         request.body,
                                         {request.params.begin(), request.params.end()},
                                         is_form_type(type) ? type : std::string(),
                                         {},
                                         client_gone});
    // Also of an HTTP/1.0 client, who could not read a stream in pieces.
    if (answer.events && !accepts_stream(head)) {
      answer.events->closed(false);
      RestResponse refused = problem(406, kWantsStream);
      refused.gpu_type = std::move(answer.gpu_type);
      answer = std::move(refused);
    }
    response.status = answer.status;
    if (!answer.gpu_type.empty()) response.set_header("X-GPU-Type", answer.gpu_type);
    if (!answer.allow.empty()) response.set_header("Allow", answer.allow);
    if (answer.retry_after_seconds)
      response.set_header("Retry-After", std::to_string(*answer.retry_after_seconds));
    if (!answer.content_security_policy.empty())
      response.set_header("Content-Security-Policy", answer.content_security_policy);
    if (answer.events) return send_events(head, response, std::move(answer.events));
    send_text(response, answer.status,
              answer.text ? std::move(*answer.text) : schemas::dump_json(answer.body),
              answer.content_type);
  }

  void send_events(const RequestHead& head, httplib::Response& response,
                   std::shared_ptr<EventSource> events) {
    if (++open_streams_ > options_.max_streams) {
      --open_streams_;
      events->closed(false);
      response.set_header("Retry-After", "5");
      const RestResponse refused =
          rest_refusal(head.method, head.path, 503, "too many streams are open: try again");
      return send_text(response, 503, schemas::dump_json(refused.body), refused.content_type);
    }
    response.set_header("Cache-Control", "no-cache");
    response.set_header("X-Accel-Buffering", "no");
    const auto writer = std::make_shared<StreamWriter>(std::move(events), open_streams_);
    response.set_chunked_content_provider(
        kEventStream,
        [writer](std::size_t, httplib::DataSink& sink) { return writer->write_some(sink); },
        [writer](bool) { writer->released(); });
  }

  void answer_mcp(const RequestHead& head, std::string_view body, httplib::Response& response,
                  const ClientGone& client_gone) {
    McpReply reply = endpoint_->handle(
        {head.method, body, mcp_headers_of(head), accepts_stream(head), client_gone});
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.events) return send_events(head, response, std::move(reply.events));
    if (!reply.body.is_null()) send_json(response, reply.status, reply.body);
  }

  HttpOptions options_;
  std::atomic<std::size_t> open_streams_ = 0;
  GuardedServer http_;
  std::unique_ptr<McpEndpoint> endpoint_;
  const Rest* rest_ = nullptr;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> serving_ = false;  // serve() is on its way or at work
};

HttpServer::HttpServer(HttpOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}
HttpServer::~HttpServer() = default;
schemas::Result<int> HttpServer::listen() {
  return implementation_->listen();
}
bool HttpServer::serve(const Server& server, const Rest& rest) {
  return implementation_->serve(server, rest);
}
void HttpServer::stop() {
  implementation_->stop();
}

}  // namespace assay::mcp
