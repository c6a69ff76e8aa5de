// SPDX-License-Identifier: Apache-2.0
// Any bytes as a POST of /mcp, with headers before a line feed each: the server answers with
// nothing or with one JSON-RPC response that can be written, whatever the tool and its arguments.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "mcp/server.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

using namespace assay;

namespace {

// Jobs would pile up in one that lives as long as the harness.
constexpr int kRunsPerService = 200;

void require(bool holds) {
  if (!holds) std::abort();
}

struct SilentPeer final : mcp::CallPeer {
  void notify(mcp::Json notification) override {
    require(!schemas::dump_json(notification).empty() && notification["jsonrpc"] == "2.0");
  }
  bool cancelled() const override { return false; }
  schemas::Result<mcp::Json> ask(const std::string&, mcp::Json) override {
    return schemas::Error{schemas::ErrorCode::internal, "nobody answers", false, {}};
  }
  void send_away(std::chrono::milliseconds) override {}
};

struct Service {
  tests::FakeEngine engine;
  tools::Registry registry = tools::all_tools(engine);
  mcp::Server server{registry, "1.2.3"};
};

Service& service() {
  static std::unique_ptr<Service> now;
  static int runs = 0;
  if (runs++ % kRunsPerService == 0) now = std::make_unique<Service>();
  return *now;
}

std::optional<std::string> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string line(text.substr(0, end));
  text.remove_prefix(end + 1);
  if (line.empty()) return std::nullopt;
  return line;
}

void check_response(const mcp::Json& body) {
  require(body.is_object() && body["jsonrpc"] == "2.0" && body.contains("id"));
  require(body.contains("result") != body.contains("error"));
  const auto again = schemas::parse_json(schemas::dump_json(body));
  require(again.ok());
}

void check_answer(const mcp::Handled& handled) {
  require(handled.http_status >= 200 && handled.http_status < 600);
  if (handled.call) {
    SilentPeer peer;
    check_response(handled.call->run(peer));
    check_response(
        handled.call->refuse({schemas::ErrorCode::overloaded, "too many calls", true, {}}));
  } else if (!handled.body.is_null()) {
    check_response(handled.body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  mcp::McpHeaders headers;
  headers.protocol_version = take_line(text);
  headers.method = take_line(text);
  headers.name = take_line(text);
  Service& now = service();
  const mcp::DecodedText decoded = mcp::decode_text(text);
  require(!decoded.parts.empty() && decoded.parts.size() <= mcp::kMaxBatch);
  for (const mcp::Decoded& part : decoded.parts) {
    if (part.message)
      check_answer(now.server.handle(*part.message, {&headers, nullptr}));
    else
      check_response(mcp::encode_error(part.id, part.error));
  }
  if (decoded.parts.front().message)  // as on standard input and output, which has no headers
    check_answer(now.server.handle(*decoded.parts.front().message, {nullptr, nullptr}));
  return 0;
}
