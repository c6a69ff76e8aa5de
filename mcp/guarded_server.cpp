// SPDX-License-Identifier: Apache-2.0
#include "mcp/guarded_server.h"

#include <algorithm>
#include <array>
#include <malloc.h>
#include <thread>
#include <unistd.h>

#include <sys/eventfd.h>

#include "mcp/cors.h"

namespace assay::mcp {
namespace {

constexpr std::string_view kShownHead = "GET / HTTP/1.1\r\n\r\n";
constexpr std::string_view kShownHeadRequest = "HEAD / HTTP/1.1\r\n\r\n";
// Bodies of refused requests up to this size are read and forgotten, larger ones close.
constexpr std::uint64_t kMaxDiscardedBytes = std::uint64_t{1} << 20;
// What a larger body was parsed into lies in many small pieces, which the allocator would keep.
constexpr std::uint64_t kTrimmedBodyBytes = std::uint64_t{1} << 20;
// Above three quarters of the connections, an idle one is worth less than a new one.
constexpr std::chrono::milliseconds kKeepAliveWhenFull{500};

// What this thread answers, and to whom: the library hands its handlers no word of ours.
struct Answering {
  const Connection* connection = nullptr;
  const RequestHead* head = nullptr;
};
thread_local Answering answering;

// What the library needs of a connection: the head it is to see, and where its answer goes. Without
// `override`: each version of the library has another set of these, under the same names.
// NOLINTBEGIN(modernize-use-override)
class AnswerStream final : public httplib::Stream {
 public:
  AnswerStream(Connection& connection, std::string_view shown)
      : connection_(connection), shown_(shown) {}

  virtual bool is_readable() const { return !shown_.empty(); }
  virtual bool wait_readable() const { return !shown_.empty(); }
  virtual bool is_writable() const { return !connection_.peer_has_gone(); }
  virtual bool wait_writable() const { return !connection_.peer_has_gone(); }
  virtual bool is_peer_alive() const { return !connection_.peer_has_gone(); }
  virtual ssize_t read(char* into, size_t size) {
    const std::size_t count = shown_.copy(into, size);
    shown_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  virtual ssize_t write(const char* bytes, size_t size) {
    return connection_.write({bytes, size}) ? static_cast<ssize_t>(size) : -1;
  }
  virtual void get_remote_ip_and_port(std::string& ip, int& port) const {
    ip = connection_.client().text;
    port = connection_.port();
  }
  virtual void get_local_ip_and_port(std::string& ip, int& port) const {
    ip.clear();
    port = 0;
  }
  virtual socket_t socket() const { return connection_.socket(); }
  virtual time_t duration() const { return 0; }

 private:
  Connection& connection_;
  std::string_view shown_;
};
// NOLINTEND(modernize-use-override)

// Headers that are about the connection or the coding of bodies: they are dealt with here.
bool is_for_the_reader(const std::string& name) {
  static const std::array names = {"connection",      "content-length", "expect", "keep-alive",
                                   "accept-encoding", "upgrade",        "range",  "te",
                                   "trailer"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

void fill_request(httplib::Request& request, const RequestHead& head, std::string& body) {
  request.method = head.method;
  request.path = head.path;
  request.params.clear();
  for (const auto& [name, value] : head.query) request.params.emplace(name, value);
  request.headers.clear();
  for (const auto& [name, value] : head.headers)
    if (!is_for_the_reader(name)) request.headers.emplace(name, value);
  if (head.http_1_0) {  // it could not read a stream in pieces
    request.headers.erase("Accept");
    request.headers.emplace("Accept", "application/json");
  }
  request.body = std::move(body);
}

const char* reason(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

HttpRefusal busy(int status, std::string message, std::chrono::seconds retry_after, bool close) {
  return {
      status, std::move(message), {{"Retry-After", std::to_string(retry_after.count())}}, close};
}

// For all who wait, and for good: nobody reads it.
void make_readable(int event) {
  const std::uint64_t one = 1;
  (void)!::write(event, &one, sizeof one);
}

// A number that is one larger for as long as this lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count) : count_(count), value_(++count) {}
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  std::size_t value() const { return value_; }

 private:
  std::atomic<std::size_t>& count_;
  const std::size_t value_;
};

}  // namespace

GuardedServer::GuardedServer(GuardedServerOptions options, Answer answer, RefusalText refusal_text)
    : options_(std::move(options)),
      answer_(std::move(answer)),
      refusal_text_(std::move(refusal_text)),
      clients_(options_.clients),
      bodies_(options_.max_bodies_bytes),
      stops_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  // The library's own routing, with a regular expression per route, is not reached.
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (is_preflight(*answering.head, options_.guard.allowed_origins))
      response.status = 204;
    else
      answer_(request, response,
              [connection = answering.connection] { return connection->peer_has_gone(); });
    return HandlerResponse::Handled;
  });
  // The last word before an answer's head is written.
  set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) {
    response.headers.erase("Accept-Ranges");  // with HEAD, although a Range is refused
    if (response.status == 204) response.headers.erase("Content-Length");  // RFC 9110, 8.6
    for (const auto& [name, value] : cors_headers(*answering.head, options_.guard.allowed_origins))
      response.set_header(name, value);
  });
}

GuardedServer::~GuardedServer() {
  ::close(stops_.idle);
  ::close(stops_.all);
}

void GuardedServer::drain(std::chrono::milliseconds patience) {
  draining_ = true;
  make_readable(stops_.idle);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (requests_in_progress_ > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  make_readable(stops_.all);
}

bool GuardedServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket, stops_, options_.connection);
  const Counted open(connections_);
  if (open.value() > options_.max_connections) {
    // It is not waited for, neither its request nor that it reads this.
    connection.write_at_once(refusal_answer(
        {}, busy(503, "too many connections: try again", std::chrono::seconds(1), true), true));
    return false;
  }
  if (!clients_.open_connection(connection.client())) {
    connection.write_at_once(refusal_answer(
        {}, busy(429, "too many connections from this client", std::chrono::seconds(1), true),
        true));
    return false;
  }
  serve(connection);
  clients_.close_connection(connection.client());
  return true;
}

void GuardedServer::serve(Connection& connection) {
  for (std::size_t count = 1; !draining_; ++count) {
    if (connection.await_request(keep_alive_patience()) != Wait::ready) return;
    const Counted request(requests_in_progress_);
    if (!serve_request(connection, count >= options_.requests_per_connection)) return;
  }
}

std::chrono::milliseconds GuardedServer::keep_alive_patience() const {
  const bool is_filling = connections_ > options_.max_connections / 4 * 3;
  return is_filling ? std::min(kKeepAliveWhenFull, options_.connection.keep_alive)
                    : options_.connection.keep_alive;
}

bool GuardedServer::serve_request(Connection& connection, bool last) {
  const ParsedHead parsed = connection.read_head();
  if (parsed.refused) return refuse(connection, parsed.head, *parsed.refused, true);
  const RequestHead& head = parsed.head;
  const bool close = last || !head.keep_alive;
  if (const auto refused = judge(connection, head)) {
    const std::uint64_t length = refused->close ? 0 : body_bytes(head);
    // A client that asked first will not send the body of a refused request.
    const bool can_go_on = !refused->close && !close && length <= kMaxDiscardedBytes &&
                           !head.header("Expect") && connection.discard(length);
    return refuse(connection, head, *refused, !can_go_on);
  }
  if (head.header("Expect") && body_bytes(head) > 0 && !head.http_1_0 &&
      !connection.write("HTTP/1.1 100 Continue\r\n\r\n"))
    return false;
  BodyLease lease(bodies_);
  auto body = connection.read_body(body_bytes(head), lease);
  if (body.refused) return refuse(connection, head, *body.refused, true);
  const bool goes_on = answer(connection, head, std::move(body.text), close);
  if (body_bytes(head) > kTrimmedBodyBytes) ::malloc_trim(0);
  return goes_on;
}

std::optional<HttpRefusal> GuardedServer::judge(const Connection& connection,
                                                const RequestHead& head) {
  if (auto refused = refuse_unread(head)) return refused;
  if (const auto wait = clients_.admit_request(connection.client()))
    return busy(429, "too many requests from this client", *wait, false);
  if (draining_) return stopping_refusal();
  return refuse_read(head, options_.guard);
}

bool GuardedServer::answer(Connection& connection, const RequestHead& head, std::string body,
                           bool close) {
  AnswerStream stream(connection, head.method == "HEAD" ? kShownHeadRequest : kShownHead);
  bool library_closes = false;
  const std::function<void(httplib::Request&)> setup = [&](httplib::Request& request) {
    fill_request(request, head, body);
    request.remote_addr = connection.client().text;
    request.remote_port = connection.port();
  };
  const auto process = [&](auto* self) {
    if constexpr (requires { self->process_request(stream, close, library_closes, setup); })
      return self->process_request(stream, close, library_closes, setup);
    else
      return self->process_request(stream, connection.client().text, connection.port(), "", 0,
                                   close, library_closes, setup, nullptr);
  };
  answering = {&connection, &head};
  const bool written = process(this);
  return written && !library_closes && !close;
}

bool GuardedServer::refuse(Connection& connection, const RequestHead& head,
                           const HttpRefusal& refused, bool close) {
  if (refused.status == 0) return false;  // nobody is left to tell
  return connection.write(refusal_answer(head, refused, close)) && !close;
}

std::string GuardedServer::refusal_answer(const RequestHead& head, const HttpRefusal& refused,
                                          bool close) const {
  const RefusalBody body = refusal_text_(head, refused);
  std::string text = "HTTP/1.1 " + std::to_string(refused.status) + " " + reason(refused.status) +
                     "\r\nContent-Type: " + body.type +
                     "\r\nContent-Length: " + std::to_string(body.text.size()) + "\r\n";
  auto headers = cors_headers(head, options_.guard.allowed_origins);
  headers.insert(headers.end(), refused.headers.begin(), refused.headers.end());
  for (const auto& [name, value] : headers)
    text.append(name).append(": ").append(value).append("\r\n");
  if (close) text += "Connection: close\r\n";
  return text + "\r\n" + body.text;
}

}  // namespace assay::mcp
