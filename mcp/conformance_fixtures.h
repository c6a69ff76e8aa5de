// SPDX-License-Identifier: Apache-2.0
// What the official conformance suite wants to find in a server beside its own tools: tools,
// prompts and resources with names and answers that the suite fixes. For tests only, behind
// `assay serve --conformance-fixtures`; a server for agents has none of it.
#pragma once

#include <memory>

#include "mcp/extension.h"

namespace assay::mcp {

struct FixtureState;

class ConformanceFixtures final : public Extension {
 public:
  ConformanceFixtures();
  ~ConformanceFixtures() override;

  Json capabilities(Era era) const override;
  Json tools(Era era) const override;
  Json prompts() const override;
  Json resources() const override;
  Json resource_templates() const override;
  std::optional<Handled> handle(const Request& request) const override;

 private:
  std::optional<Handled> call_tool(const Request& request) const;
  std::optional<Handled> get_prompt(const Request& request) const;

  std::unique_ptr<FixtureState> state_;
};

}  // namespace assay::mcp
