// SPDX-License-Identifier: Apache-2.0
#include "schemas/device.h"

#include <limits>

namespace assay::schemas {
namespace {

const std::vector<std::string> kKindNames = {"cpu", "cuda"};
const std::vector<std::string> kWishNames = {"any", "cpu", "cuda"};
constexpr std::size_t kMaxWordBytes = 256;

template <typename T>
void add(Json& json, const char* key, const std::optional<T>& value) {
  json[key] = value ? Json(*value) : Json(nullptr);
}

}  // namespace

const std::string& device_kind_name(DeviceKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

Json to_json(const DeviceInfo& device) {
  Json json = {{"kind", device_kind_name(device.kind)},
               {"index", device.index},
               {"name", device.name},
               {"uuid", device.uuid},
               {"architecture", device.architecture},
               {"memory_total_bytes", device.memory_total_bytes},
               {"driver_version", device.driver_version},
               {"cuda_version", device.cuda_version}};
  add(json, "memory_used_bytes", device.memory_used_bytes);
  add(json, "l2_bytes", device.l2_bytes);
  add(json, "multiprocessors", device.multiprocessors);
  add(json, "sm_clock_mhz", device.sm_clock_mhz);
  add(json, "memory_clock_mhz", device.memory_clock_mhz);
  add(json, "sm_clock_max_mhz", device.sm_clock_max_mhz);
  add(json, "temperature_c", device.temperature_c);
  add(json, "power_w", device.power_w);
  return json;
}

DeviceInfo read_device(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  DeviceInfo device;
  if (const auto kind = reader.required_word("kind", kKindNames))
    device.kind = static_cast<DeviceKind>(*kind);
  device.index = reader.int_or("index", 0, 0, 1024);
  device.name = reader.optional_string("name", kMaxWordBytes).value_or("");
  device.uuid = reader.optional_string("uuid", kMaxWordBytes).value_or("");
  device.architecture = reader.optional_string("architecture", kMaxWordBytes).value_or("");
  device.memory_total_bytes = reader.int_or("memory_total_bytes", 0, 0, kNoLimit);
  device.driver_version = reader.optional_string("driver_version", kMaxWordBytes).value_or("");
  device.cuda_version = reader.optional_string("cuda_version", kMaxWordBytes).value_or("");
  device.memory_used_bytes = reader.optional_int("memory_used_bytes", 0, kNoLimit);
  device.l2_bytes = reader.optional_int("l2_bytes", 0, kNoLimit);
  device.multiprocessors = reader.optional_int("multiprocessors", 0, 1 << 20);
  device.sm_clock_mhz = reader.optional_number("sm_clock_mhz", 0);
  device.memory_clock_mhz = reader.optional_number("memory_clock_mhz", 0);
  device.sm_clock_max_mhz = reader.optional_number("sm_clock_max_mhz", 0);
  device.temperature_c = reader.optional_number("temperature_c");
  device.power_w = reader.optional_number("power_w", 0);
  return device;
}

Json to_json(const DeviceRequirement& requirement) {
  return {{"wish", kWishNames[static_cast<std::size_t>(requirement.wish)]},
          {"count", requirement.count}};
}

DeviceRequirement read_device_requirement(const Json& json, const std::string& path,
                                          Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  DeviceRequirement requirement;
  if (const auto wish = reader.optional_word("wish", kWishNames))
    requirement.wish = static_cast<DeviceWish>(*wish);
  requirement.count = reader.int_or("count", 1, 1, 64);
  return requirement;
}

}  // namespace assay::schemas
