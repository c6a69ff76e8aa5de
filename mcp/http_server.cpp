// SPDX-License-Identifier: Apache-2.0
#include "mcp/http_server.h"

#include <atomic>
#include <cstring>
#include <httplib.h>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "mcp/form.h"
#include "mcp/mcp_endpoint.h"
#include "mcp/rest_answers.h"
#include "mcp/worker_pool.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;

constexpr int kListenBacklog = 1'024;
constexpr std::chrono::milliseconds kStreamPoll{
    200};  // a reader who has gone is noticed within this time
// Where the type of a form stands once the library must not see it.
constexpr const char* kFormType = "Assay-Form-Type";
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
  head.header = [&request](const char* name) -> std::optional<std::string> {
    if (!request.has_header(name)) return std::nullopt;
    return request.get_header_value(name);
  };
  head.header_count = [&request](const char* name) -> std::size_t {
    return static_cast<std::size_t>(request.get_header_value_count(name));
  };
  return head;
}

McpHeaders mcp_headers_of(const RequestHead& head) {
  return {head.header("MCP-Protocol-Version"), head.header("Mcp-Method"), head.header("Mcp-Name"),
          head.header("Mcp-Session-Id"), head.header("Last-Event-ID")};
}

// Bodies go out through a provider: the library would otherwise compress them at its slowest
// setting. A provider that reports failure after its last byte makes the library close the
// connection.
void send_text(httplib::Response& response, int status, std::string text, bool close = false,
               const std::string& type = kJsonType) {
  response.status = status;
  if (close) response.set_header("Connection", "close");
  const std::size_t size = text.size();
  response.set_content_provider(
      size, type,
      [text = std::move(text), close](std::size_t offset, std::size_t length,
                                      httplib::DataSink& sink) {
        sink.write(text.data() + offset, length);
        return !close;
      });
}

void send_json(httplib::Response& response, int status, const Json& body, bool close = false) {
  send_text(response, status, schemas::dump_json(body), close);
}

// The library would refuse urlencoded bodies beyond 8,192 bytes and keep the parts of multipart
// ones by its own rules; without their type they are bytes like any other.
void set_form_type_aside(httplib::Request& request) {
  request.headers.erase(kFormType);
  const std::string type = request.get_header_value("Content-Type");
  if (!is_form_type(type)) return;
  request.headers.erase("Content-Type");
  request.headers.emplace(kFormType, type);
}

bool accepts_stream(const RequestHead& head) {
  const auto accept = head.header("Accept");
  return !accept || accept->find(kEventStream) != std::string::npos ||
         accept->find("*/*") != std::string::npos;
}

// Writes the frames of a source, and a comment in long silences.
class StreamWriter {
 public:
  explicit StreamWriter(std::shared_ptr<EventSource> events) : events_(std::move(events)) {}

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
  bool whole_ = false;
  Clock::time_point last_write_ = Clock::now();
};

void send_events(httplib::Response& response, std::shared_ptr<EventSource> events) {
  response.set_header("Cache-Control", "no-cache");
  response.set_header("X-Accel-Buffering", "no");
  const auto writer = std::make_shared<StreamWriter>(std::move(events));
  response.set_chunked_content_provider(
      kEventStream,
      [writer](std::size_t, httplib::DataSink& sink) { return writer->write_some(sink); },
      [writer](bool) { writer->released(); });
}

}  // namespace

class HttpServer::Implementation {
 public:
  explicit Implementation(HttpOptions options) : options_(std::move(options)) {
    guard_.allowed_hosts = allowed_hosts_for(options_.host);
  }

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
    http_.stop();
  }

 private:
  void configure() {
    http_.set_tcp_nodelay(true);
    // Not the library's default, which lets a second server share the port silently.
    http_.set_socket_options([this](int socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      listener_ = socket;
    });
    http_.set_keep_alive_max_count(options_.requests_per_connection);
    http_.set_keep_alive_timeout(static_cast<time_t>(options_.keep_alive.count()));
    http_.set_read_timeout(static_cast<time_t>(options_.read_timeout.count()));
    http_.set_write_timeout(static_cast<time_t>(options_.write_timeout.count()));
    http_.set_payload_max_length(kMaxRestBodyBytes);
    http_.new_task_queue = [this] { return new ConnectionQueue(options_.max_connections); };
    http_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          set_form_type_aside(const_cast<httplib::Request&>(request));
          return answer_unread(request, response) ? httplib::Server::HandlerResponse::Handled
                                                  : httplib::Server::HandlerResponse::Unhandled;
        });
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
    const httplib::Server::HandlerWithResponse fill_error = [](const httplib::Request&,
                                                               httplib::Response& response) {
      if (response.has_header("Content-Type")) return httplib::Server::HandlerResponse::Unhandled;
      send_json(response, response.status,
                rest_error(response.status, library_refusal(response.status)));
      return httplib::Server::HandlerResponse::Handled;
    };
    http_.set_error_handler(fill_error);
    route("/mcp", &Implementation::answer_mcp);
    route(".*", &Implementation::answer_rest);
    http_.set_logger([this](const httplib::Request& request, const httplib::Response& response) {
      if (rest_ != nullptr) rest_->count(request.method, request.path, response.status);
    });
  }

  using Answer = void (Implementation::*)(const httplib::Request&, httplib::Response&);

  // All methods of a path, so that the wrong one gets a 405 of ours.
  void route(const std::string& pattern, Answer answer) {
    const auto handler = [this, answer](const httplib::Request& request,
                                        httplib::Response& response) {
      if (const auto refused = refuse_read(head_of(request), guard_))
        return send_json(response, refused->status, rest_error(refused->status, refused->message));
      (this->*answer)(request, response);
    };
    http_.Get(pattern, handler);
    http_.Post(pattern, handler);
    http_.Put(pattern, handler);
    http_.Patch(pattern, handler);
    http_.Delete(pattern, handler);
    http_.Options(pattern, handler);
  }

  static const char* library_refusal(int status) {
    switch (status) {
      case 404: return "there is nothing at this path";
      case 413: return "the body is too large";
      case 414: return "the path is too long";
      default: return "the request is not valid HTTP";
    }
  }

  // True when the request was answered without its body.
  bool answer_unread(const httplib::Request& request, httplib::Response& response) {
    const RequestHead head = head_of(request);
    if (const auto refused = refuse_unread(head)) {
      // The library would cut the asked range out of the refusal too.
      const_cast<httplib::Request&>(request).ranges.clear();
      send_json(response, refused->status, rest_error(refused->status, refused->message), true);
      return true;
    }
    // The library would wait for a body that no length announces.
    if (takes_no_body(head) && !head.header("Content-Length")) {
      if (const auto refused = refuse_read(head, guard_))
        send_json(response, refused->status, rest_error(refused->status, refused->message));
      else
        answer_rest(request, response);
      return true;
    }
    return false;
  }

  void answer_rest(const httplib::Request& request, httplib::Response& response) {
    RestResponse answer = rest_->handle({request.method,
                                         request.path,
                                         request.body,
                                         {request.params.begin(), request.params.end()},
                                         request.get_header_value(kFormType)});
    response.status = answer.status;
    if (!answer.gpu_type.empty()) response.set_header("X-GPU-Type", answer.gpu_type);
    if (!answer.allow.empty()) response.set_header("Allow", answer.allow);
    if (answer.retry_after_seconds)
      response.set_header("Retry-After", std::to_string(*answer.retry_after_seconds));
    if (!answer.content_security_policy.empty())
      response.set_header("Content-Security-Policy", answer.content_security_policy);
    if (answer.events) return send_events(response, std::move(answer.events));
    send_text(response, answer.status,
              answer.text ? std::move(*answer.text) : schemas::dump_json(answer.body), false,
              answer.content_type);
  }

  void answer_mcp(const httplib::Request& request, httplib::Response& response) {
    const RequestHead head = head_of(request);
    McpReply reply = endpoint_->handle(
        {request.method, request.body, mcp_headers_of(head), accepts_stream(head)});
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.events) return send_events(response, std::move(reply.events));
    if (!reply.body.is_null()) send_json(response, reply.status, reply.body);
  }

  HttpOptions options_;
  GuardOptions guard_;
  httplib::Server http_;
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
