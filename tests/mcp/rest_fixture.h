// SPDX-License-Identifier: Apache-2.0
// The REST facade before a fake engine, for its tests.
#pragma once

#include <functional>
#include <string>

#include "mcp/rest.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace assay::tests {

using nlohmann::json;

inline const json kKernel = {{"source_code", "x"}, {"kernel_type", "torch"}};
inline const json kEvaluate = {{"kernel", kKernel}};

struct RestFixture {
  FakeEngine engine;
  tools::Registry registry = tools::all_tools(engine);
  mcp::Rest rest{registry, engine, {"", "1.2.3"}};

  mcp::RestResponse get(const std::string& path,
                        std::map<std::string, std::string> query = {}) const {
    return rest.handle({"GET", path, "", std::move(query)});
  }
  mcp::RestResponse post(const std::string& path, const json& body) const {
    const std::string text = body.dump();
    return rest.handle({"POST", path, text});
  }
  // As multipart/form-data.
  mcp::RestResponse post_form(const std::string& path,
                              const std::map<std::string, std::string>& fields) const {
    std::string body;
    for (const auto& [name, value] : fields)
      body.append("--b\r\nContent-Disposition: form-data; name=\"")
          .append(name)
          .append("\"\r\n\r\n")
          .append(value)
          .append("\r\n");
    body += "--b--\r\n";
    return rest.handle({"POST", path, body, {}, "multipart/form-data; boundary=b"});
  }
  void answer_with(const std::function<void(schemas::Evaluation&)>& change) {
    engine.decide = [change](const auto& work) {
      schemas::Evaluation evaluation;
      evaluation.kind = work.kind;
      evaluation.kernel_type = work.candidate.type;
      change(evaluation);
      return evaluation;
    };
  }
};

}  // namespace assay::tests
