// SPDX-License-Identifier: Apache-2.0
// A first line "METHOD PATH" and any bytes as the body: every route answers with a status of HTTP
// and a document that can be written, and 4xx only for what the caller did.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "mcp/rest.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

using namespace assay;

namespace {

// Jobs would pile up in one that lives as long as the harness.
constexpr int kRunsPerService = 200;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Service {
  tests::FakeEngine engine;
  tools::Registry registry = tools::all_tools(engine);
  mcp::Rest rest{registry, engine, {"", "1.2.3"}};
};

Service& service() {
  static std::unique_ptr<Service> now;
  static int runs = 0;
  if (runs++ % kRunsPerService == 0) now = std::make_unique<Service>();
  return *now;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = std::min(text.find('\n'), text.size());
  const std::string line(text.substr(0, line_end));
  const std::size_t space = std::min(line.find(' '), line.size());
  mcp::RestRequest request;
  request.method = line.substr(0, space);
  request.path = line.substr(std::min(space + 1, line.size()));
  request.body = text.substr(std::min(line_end + 1, text.size()));
  const mcp::RestResponse answer = service().rest.handle(request);
  require(answer.status >= 200 && answer.status < 600);
  require(schemas::parse_json(schemas::dump_json(answer.body)).ok());
  for (const char character : answer.gpu_type) require(character >= ' ' && character <= '~');
  return 0;
}
