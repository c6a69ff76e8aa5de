// SPDX-License-Identifier: Apache-2.0
// A server with a fake engine behind it, and a client that sends what it is told, byte for byte.
#pragma once

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>

#include "mcp/http_server.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace assay::tests {

inline mcp::HttpOptions test_http_options() {
  mcp::HttpOptions options;
  options.port = 0;
  options.stream_after = std::chrono::milliseconds(200);
  options.keep_alive = std::chrono::seconds(1);
  return options;
}

class Running {
 public:
  explicit Running(mcp::HttpOptions options = test_http_options()) : http_(std::move(options)) {
    ::signal(SIGPIPE, SIG_IGN);
    const auto listening = http_.listen();
    REQUIRE(listening.ok());
    port = *listening;
    thread_ = std::thread([this] { http_.serve(server_, rest_); });
  }
  ~Running() {
    http_.stop();
    thread_.join();
  }
  FakeEngine engine;
  int port = 0;

 private:
  tools::Registry registry_ = tools::all_tools(engine);
  mcp::Server server_{registry_, "1.2.3"};
  mcp::Rest rest_{registry_, engine, {"", "1.2.3"}};
  mcp::HttpServer http_;
  std::thread thread_;
};

// A connection that sends what it is told, byte for byte.
class Client {
 public:
  explicit Client(int port, int receive_seconds = 5) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{receive_seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // No more will be sent; what comes is still read.
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  // Before anything was sent: how much the system may hold for this client.
  void take_little() {
    const int bytes = 4'096;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }

  void send(const std::string& bytes) {
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // Reads until `end` was seen, from byte `from` on, the connection closes or the patience ends.
  std::string receive_until(const std::string& end, std::size_t from = 0) {
    char buffer[4096];
    while (received_.find(end, from) == std::string::npos) {
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    return received_;
  }
  // The whole answer of a server that closes after it, or what came within the patience.
  std::string receive_all() { return receive_until("\x01never\x01"); }

  // One answer with a Content-Length.
  std::string receive_answer() {
    receive_until("\r\n\r\n");
    const auto head_end = received_.find("\r\n\r\n");
    const auto at = received_.find("Content-Length: ");
    if (head_end == std::string::npos || at == std::string::npos)
      return std::exchange(received_, "");
    const std::size_t size = head_end + 4 + std::stoul(received_.substr(at + 16));
    char buffer[4096];
    while (received_.size() < size) {
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    std::string answer = received_.substr(0, size);
    received_.erase(0, answer.size());
    return answer;
  }

 private:
  int socket_;
  std::string received_;
};

inline std::string post(const std::string& path, const std::string& body,
                        const std::string& headers = "") {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

inline std::string get(const std::string& path,
                       const std::string& headers = "Host: localhost\r\n") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

inline nlohmann::json body_of(const std::string& answer) {
  return nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
}

}  // namespace assay::tests
