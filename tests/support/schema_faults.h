// SPDX-License-Identifier: Apache-2.0
// As much of a JSON Schema validator as the tools' published schemas need.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace assay::tests {

inline bool is_of_type(const nlohmann::json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return type == "null" && value.is_null();
}

// What of `value` the schema does not allow, each with its path; empty: it conforms.
inline std::vector<std::string> schema_faults(const nlohmann::json& value,
                                              const nlohmann::json& schema,
                                              const std::string& path = "$") {
  using nlohmann::json;
  std::vector<std::string> faults;
  const auto add = [&](const std::vector<std::string>& more) {
    faults.insert(faults.end(), more.begin(), more.end());
  };
  if (schema.contains("type") && !is_of_type(value, schema["type"].get<std::string>()))
    return {path + " is no " + schema["type"].get<std::string>() + ": " + value.dump()};
  if (schema.contains("enum")) {
    const json& words = schema["enum"];
    if (std::find(words.begin(), words.end(), value) == words.end())
      faults.push_back(path + " is no word of its list: " + value.dump());
  }
  if (schema.contains("minimum") && value < schema["minimum"])
    faults.push_back(path + " too small");
  if (schema.contains("maximum") && value > schema["maximum"])
    faults.push_back(path + " too large");
  const json properties = schema.value("properties", json::object());
  if (value.is_object()) {
    for (const json& name : schema.value("required", json::array()))
      if (!value.contains(name.get<std::string>()))
        faults.push_back(path + " lacks " + name.get<std::string>());
    for (const auto& [name, member] : value.items()) {
      if (properties.contains(name))
        add(schema_faults(member, properties[name], std::string(path).append(".").append(name)));
      else if (schema.value("additionalProperties", json(true)) == false)
        faults.push_back(std::string(path).append(" may not have ").append(name));
    }
  }
  if (value.is_array() && schema.contains("items"))
    for (std::size_t i = 0; i < value.size(); ++i)
      add(schema_faults(value[i], schema["items"], path + "[" + std::to_string(i) + "]"));
  return faults;
}

}  // namespace assay::tests
