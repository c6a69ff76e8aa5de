// SPDX-License-Identifier: Apache-2.0
#include "schemas/isolation.h"

#include <algorithm>

namespace assay::schemas {
namespace {

constexpr std::size_t kMaxLayers = 64;
constexpr std::size_t kMaxReasonBytes = 1024;

}  // namespace

void merge(IsolationReport& into, const IsolationReport& other) {
  for (const LayerReport& layer : other.layers) {
    const auto found =
        std::find_if(into.layers.begin(), into.layers.end(),
                     [&](const LayerReport& known) { return known.name == layer.name; });
    if (found == into.layers.end())
      into.layers.push_back(layer);
    else if (found->applied && !layer.applied)
      *found = layer;
  }
}

Json to_json(const IsolationReport& report) {
  Json applied = Json::array(), missing = Json::array();
  for (const LayerReport& layer : report.layers) {
    if (layer.applied)
      applied.push_back({{"layer", layer.layer}, {"name", layer.name}});
    else
      missing.push_back({{"layer", layer.layer}, {"name", layer.name}, {"reason", layer.reason}});
  }
  return {{"applied", std::move(applied)}, {"missing", std::move(missing)}};
}

IsolationReport read_isolation(const Json& json, const std::string& path,
                               Diagnostics& diagnostics) {
  IsolationReport report;
  ObjectReader reader(json, path, diagnostics);
  for (const bool applied : {true, false}) {
    reader.each(
        applied ? "applied" : "missing", kMaxLayers, false,
        [&](const Json& element, const std::string& at) {
          ObjectReader layer(element, at, diagnostics);
          report.layers.push_back({layer.required_string("layer", kMaxReasonBytes),
                                   layer.required_string("name", kMaxReasonBytes), applied,
                                   layer.optional_string("reason", kMaxReasonBytes).value_or("")});
        });
  }
  return report;
}

}  // namespace assay::schemas
