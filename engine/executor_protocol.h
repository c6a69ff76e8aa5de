// SPDX-License-Identifier: Apache-2.0
// What a client and an executor in another process say: JSON frames without descriptors over one
// channel, so that a socket to another machine will do. Client: run, cancel, capacity. Executor:
// event, result, error, capacity. Everything about one run carries its job id and fencing token.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "engine/executor.h"
#include "sandbox/channel.h"
#include "schemas/json_reader.h"

namespace assay::engine {

inline constexpr std::size_t kMaxExecutorFrameBytes = std::size_t{192} << 20;
inline constexpr std::chrono::seconds kExecutorSendPatience{30};

// One run: what an answer must name to be accepted.
struct RunId {
  std::string job_id;
  std::int64_t fencing_token = 0;
  bool operator==(const RunId&) const = default;
};

struct RunMessage {
  schemas::JobSpec spec;
};
struct CancelMessage {
  RunId run;
};
struct CapacityRequest {};
using ExecutorRequest = std::variant<RunMessage, CancelMessage, CapacityRequest>;

struct EventMessage {
  RunId run;
  schemas::JobEvent event;
};
struct ResultMessage {
  RunId run;
  schemas::Evaluation evaluation;
};
struct ErrorMessage {
  RunId run;
  schemas::Error error;
};
struct CapacityMessage {
  Capacity capacity;
  std::vector<DeviceUse> device_use;
};
using ExecutorAnswer = std::variant<EventMessage, ResultMessage, ErrorMessage, CapacityMessage>;

std::string encode(const ExecutorRequest& request);
std::string encode(const ExecutorAnswer& answer);
// Errors: malformed_call or protocol_violation, naming the field.
schemas::Result<ExecutorRequest> decode_request(std::string_view bytes);
schemas::Result<ExecutorAnswer> decode_answer(std::string_view bytes);

}  // namespace assay::engine
