// SPDX-License-Identifier: Apache-2.0
#include "engine/executor_protocol.h"

#include <algorithm>
#include <limits>

namespace assay::engine {
namespace {

using schemas::Diagnostics;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::ObjectReader;
using schemas::Result;

constexpr std::size_t kMaxIdBytes = 128;
constexpr std::size_t kMaxTextBytes = 65536;
constexpr std::size_t kMaxDevices = 1024;
const std::vector<std::string> kRequestWords = {"run", "cancel", "capacity"};
const std::vector<std::string> kAnswerWords = {"event", "result", "error", "capacity"};

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

const std::vector<std::string>& error_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> names;
    for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
      names.emplace_back(schemas::error_code_name(static_cast<ErrorCode>(code)));
    }
    return names;
  }();
  return words;
}

Json named(const char* op, const RunId& run) {
  return {{"op", op}, {"job_id", run.job_id}, {"fencing_token", run.fencing_token}};
}

Json capacity_json(const CapacityMessage& message) {
  Json devices = Json::array();
  for (const auto& device : message.capacity.devices) devices.push_back(to_json(device));
  Json configured = Json::array();
  for (const auto& device : message.capacity.configured) configured.push_back(to_json(device));
  Json use = Json::array();
  for (const auto& entry : message.device_use) {
    use.push_back({{"device", to_json(entry.device)},
                   {"busy_seconds", entry.busy_seconds},
                   {"leased", entry.leased}});
  }
  Json cache;
  if (const auto& used = message.capacity.cache)
    cache = {{"hits", used->hits},           {"misses", used->misses},
             {"evictions", used->evictions}, {"dropped", used->dropped},
             {"entries", used->entries},     {"bytes", used->bytes},
             {"max_bytes", used->max_bytes}, {"seconds_saved", used->seconds_saved}};
  return {{"op", "capacity"},
          {"cache", std::move(cache)},
          {"devices", std::move(devices)},
          {"configured", std::move(configured)},
          {"starting", message.capacity.starting},
          {"parallel_jobs", message.capacity.parallel_jobs},
          {"isolation", to_json(schemas::IsolationReport{message.capacity.isolation})},
          {"device_use", std::move(use)}};
}

RunId read_run(ObjectReader& reader) {
  return {reader.required_string("job_id", kMaxIdBytes),
          reader.int_or("fencing_token", 0, 0, schemas::kNoLimit)};
}

CapacityMessage read_capacity(ObjectReader& reader) {
  CapacityMessage message;
  Diagnostics& diagnostics = reader.diagnostics();
  reader.each("devices", kMaxDevices, true, [&](const Json& device, const std::string& at) {
    message.capacity.devices.push_back(schemas::read_device(device, at, diagnostics));
  });
  reader.each("configured", kMaxDevices, false, [&](const Json& device, const std::string& at) {
    message.capacity.configured.push_back(schemas::read_device(device, at, diagnostics));
  });
  reader.each("starting", kMaxDevices, false, [&](const Json& name, const std::string&) {
    if (name.is_string()) message.capacity.starting.push_back(name.get<std::string>());
  });
  message.capacity.parallel_jobs = reader.int_or("parallel_jobs", 1, 1, kMaxDevices);
  if (const Json* layers = reader.raw("isolation")) {
    message.capacity.isolation = schemas::read_isolation(*layers, "isolation", diagnostics).layers;
  }
  if (const Json* json = reader.raw("cache")) {
    ObjectReader fields(*json, "cache", diagnostics);
    const auto count = [&](const char* key) { return fields.int_or(key, 0, 0, schemas::kNoLimit); };
    CacheUse& used = message.capacity.cache.emplace();
    used.hits = count("hits");
    used.misses = count("misses");
    used.evictions = count("evictions");
    used.dropped = count("dropped");
    used.entries = count("entries");
    used.bytes = count("bytes");
    used.max_bytes = count("max_bytes");
    used.seconds_saved = fields.optional_number("seconds_saved", 0).value_or(0);
  }
  reader.each("device_use", kMaxDevices, false, [&](const Json& entry, const std::string& at) {
    ObjectReader fields(entry, at, diagnostics);
    DeviceUse use;
    if (const Json* device = fields.raw("device")) {
      use.device = schemas::read_device(*device, at + ".device", diagnostics);
    }
    use.busy_seconds = fields.optional_number("busy_seconds", 0).value_or(0);
    use.leased = fields.bool_or("leased", false);
    message.device_use.push_back(std::move(use));
  });
  return message;
}

Error read_error(ObjectReader& reader) {
  Error error;
  if (const auto code = reader.required_word("code", error_words())) {
    error.code = static_cast<ErrorCode>(*code);
  }
  error.message = reader.optional_string("message", kMaxTextBytes).value_or("");
  error.retryable = reader.bool_or("retryable", false);
  reader.each("fields", kMaxDevices, false, [&](const Json& entry, const std::string& at) {
    ObjectReader field(entry, at, reader.diagnostics());
    error.fields.push_back({field.optional_string("path", kMaxTextBytes).value_or(""),
                            field.optional_string("message", kMaxTextBytes).value_or("")});
  });
  return error;
}

}  // namespace

std::string encode(const ExecutorRequest& request) {
  return schemas::dump_json(
      std::visit(Overloaded{[](const RunMessage& run) -> Json {
                              return {{"op", "run"}, {"spec", to_json(run.spec)}};
                            },
                            [](const CancelMessage& cancel) { return named("cancel", cancel.run); },
                            [](const CapacityRequest&) -> Json {
                              return {{"op", "capacity"}};
                            }},
                 request));
}

std::string encode(const ExecutorAnswer& answer) {
  return schemas::dump_json(
      std::visit(Overloaded{[](const EventMessage& message) {
                              Json json = named("event", message.run);
                              json["event"] = to_json(message.event);
                              return json;
                            },
                            [](const ResultMessage& message) {
                              Json json = named("result", message.run);
                              json["evaluation"] = to_json(message.evaluation);
                              return json;
                            },
                            [](const ErrorMessage& message) {
                              Json json = named("error", message.run);
                              json["code"] = schemas::error_code_name(message.error.code);
                              json["message"] = message.error.message;
                              json["retryable"] = message.error.retryable;
                              json["fields"] = Json::array();
                              for (const auto& [path, text] : message.error.fields) {
                                json["fields"].push_back({{"path", path}, {"message", text}});
                              }
                              return json;
                            },
                            [](const CapacityMessage& message) { return capacity_json(message); }},
                 answer));
}

Result<ExecutorRequest> decode_request(std::string_view bytes) {
  const auto json = schemas::parse_json(bytes);
  if (!json) return json.error();
  Diagnostics diagnostics;
  ObjectReader reader(*json, "", diagnostics);
  const auto op = reader.required_word("op", kRequestWords);
  if (!op) return schemas::malformed(diagnostics);
  if (kRequestWords[*op] == "capacity") return ExecutorRequest{CapacityRequest{}};
  if (kRequestWords[*op] == "cancel") {
    CancelMessage cancel{read_run(reader)};
    if (!diagnostics.errors.empty()) return schemas::malformed(diagnostics);
    return ExecutorRequest{std::move(cancel)};
  }
  const Json* spec_json = reader.raw("spec");
  auto spec = schemas::read_job_spec(spec_json == nullptr ? Json() : *spec_json);
  if (!spec) return spec.error();
  return ExecutorRequest{RunMessage{std::move(spec).value()}};
}

Result<ExecutorAnswer> decode_answer(std::string_view bytes) {
  const auto json = schemas::parse_json(bytes);
  if (!json) return json.error();
  Diagnostics diagnostics;
  ObjectReader reader(*json, "", diagnostics);
  const auto op = reader.required_word("op", kAnswerWords);
  if (!op) return schemas::malformed(diagnostics);
  ExecutorAnswer answer;
  if (kAnswerWords[*op] == "capacity") {
    answer = read_capacity(reader);
  } else if (kAnswerWords[*op] == "error") {
    RunId run = read_run(reader);
    answer = ErrorMessage{std::move(run), read_error(reader)};
  } else if (kAnswerWords[*op] == "event") {
    const Json* event = reader.raw("event");
    auto read = schemas::read_job_event(event == nullptr ? Json() : *event);
    if (!read) return read.error();
    answer = EventMessage{read_run(reader), std::move(read).value()};
  } else {
    const Json* evaluation = reader.raw("evaluation");
    auto read = schemas::read_evaluation(evaluation == nullptr ? Json() : *evaluation);
    if (!read) return read.error();
    answer = ResultMessage{read_run(reader), std::move(read).value()};
  }
  if (!diagnostics.errors.empty()) return schemas::malformed(diagnostics);
  return answer;
}

}  // namespace assay::engine
