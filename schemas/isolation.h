// SPDX-License-Identifier: Apache-2.0
// Which isolation layers held around the processes of a job, and which did not and why.
#pragma once

#include <string>
#include <vector>

#include "schemas/json_reader.h"

namespace assay::schemas {

// One layer as it was tried. `layer` is L0..L7, `name` a stable word such as "pid_namespace".
struct LayerReport {
  std::string layer;
  std::string name;
  bool applied = false;
  std::string reason;  // why it is missing; empty when applied
};

// Wire: {"applied": [{"layer","name"}], "missing": [{"layer","name","reason"}]}.
struct IsolationReport {
  std::vector<LayerReport> layers;
};
// Keeps, for each name, the worse of two reports: a layer counts as applied where it held
// everywhere.
void merge(IsolationReport& into, const IsolationReport& other);
Json to_json(const IsolationReport& report);
IsolationReport read_isolation(const Json& json, const std::string& path, Diagnostics& diagnostics);

}  // namespace assay::schemas
