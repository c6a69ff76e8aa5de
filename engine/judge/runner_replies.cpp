// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/runner_replies.h"

#include <algorithm>
#include <utility>

#include "engine/judge/memory.h"

namespace assay::engine::judge {
namespace {

using schemas::Json;
using schemas::kNoLimit;
using schemas::ObjectReader;

constexpr std::size_t kMaxNameBytes = 512;
constexpr std::size_t kMaxWeights = 16384;
constexpr std::size_t kMaxSkipped = 256;
constexpr std::size_t kCopyBytes = std::size_t{16} << 20;

[[noreturn]] void bad(schemas::RunnerRole role, const char* at, const std::string& what) {
  throw Failure(Cause::bad_reply, role, at, what);
}

void demand_clean(const schemas::Diagnostics& diagnostics, schemas::RunnerRole role,
                  const char* at) {
  if (!diagnostics.errors.empty())
    bad(role, at, diagnostics.errors.front().path + ": " + diagnostics.errors.front().message);
}

std::int64_t total_bytes(const std::vector<schemas::Value>& values) {
  std::int64_t total = 0;
  for (const schemas::Value& value : values) {
    std::int64_t more =
        value.kind == schemas::Value::Kind::tensor ? value.tensor.bytes : total_bytes(value.items);
    total = more > kNoLimit - total ? kNoLimit : total + more;
  }
  return total;
}

void demand_bytes(std::int64_t total, std::size_t max_bytes, schemas::RunnerRole role,
                  const char* at) {
  if (static_cast<std::uint64_t>(total) > max_bytes)
    throw Failure(Cause::memory, role, at,
                  "the tensors of \"" + std::string(at) + "\" take " +
                      bytes_text(static_cast<std::size_t>(total)) + ", more than the " +
                      bytes_text(max_bytes) + " that one job may use here");
}

schemas::KernelResources read_resources(const Json& json, schemas::Diagnostics& diagnostics) {
  ObjectReader reader(json, "resources", diagnostics);
  schemas::KernelResources resources;
  resources.kernel_name = reader.optional_string("kernel_name", kMaxNameBytes).value_or("");
  schemas::read_resource_figures(reader, resources);
  return resources;
}

}  // namespace

sandbox::SharedMemory reply_buffer(std::vector<sandbox::UniqueFd> descriptors,
                                   std::size_t max_bytes, schemas::RunnerRole role,
                                   const char* at) {
  if (descriptors.empty()) return {};
  // Alignment between tensors may need a little more than they do.
  const std::size_t most = max_bytes > SIZE_MAX / 2 ? SIZE_MAX : max_bytes + (std::size_t{1} << 20);
  auto theirs = sandbox::SharedMemory::adopt_for_reading(std::move(descriptors.front()), 1, most);
  if (!theirs)
    bad(role, at,
        "its buffer is unusable (at most " + bytes_text(most) +
            " may be sent): " + theirs.error().message);
  auto ours = value_or_fail(sandbox::SharedMemory::create("assay-values", theirs->size()));
  std::vector<char> piece(std::min(theirs->size(), kCopyBytes));
  for (std::size_t offset = 0; offset < theirs->size(); offset += piece.size()) {
    const std::size_t count = std::min(piece.size(), theirs->size() - offset);
    if (!theirs->read(offset, piece.data(), count))
      bad(role, at, "its buffer changed while it was read");
    value_or_fail(ours.write(offset, piece.data(), count));
  }
  return ours;
}

std::vector<schemas::Value> values_in(const Json& body, const sandbox::SharedMemory& buffer,
                                      std::size_t max_bytes, schemas::RunnerRole role,
                                      const char* at) {
  const auto found = body.find("values");
  if (found == body.end()) bad(role, at, "its answer has no \"values\"");
  auto values = schemas::read_values(*found, static_cast<std::int64_t>(buffer.size()));
  if (!values) bad(role, at, values.error().message);
  demand_bytes(total_bytes(*values), max_bytes, role, at);
  return std::move(*values);
}

Loaded read_loaded(const Json& body, schemas::RunnerRole role, const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  Loaded loaded;
  loaded.takes_get_inputs = reader.bool_or("takes_get_inputs", false);
  loaded.interpreted = reader.bool_or("interpreted", false);
  loaded.has_weights = reader.bool_or("has_weights", false);
  if (const Json* resources = reader.raw("resources"))
    loaded.resources = read_resources(*resources, diagnostics);
  demand_clean(diagnostics, role, at);
  return loaded;
}

std::vector<NamedTensor> read_weights(const Json& body, const sandbox::SharedMemory& buffer,
                                      std::size_t max_bytes, schemas::RunnerRole role,
                                      const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  std::vector<NamedTensor> weights;
  std::int64_t total = 0;
  reader.each("weights", kMaxWeights, true, [&](const Json& item, const std::string& path) {
    if (!item.is_object()) return diagnostics.errors.push_back({path, "must be an object"});
    NamedTensor weight;
    ObjectReader fields(item, path, diagnostics);
    weight.name = fields.required_string("name", kMaxNameBytes);
    Json as_value = item;
    as_value["kind"] = "tensor";
    auto value = schemas::read_values(Json::array({std::move(as_value)}),
                                      static_cast<std::int64_t>(buffer.size()));
    if (!value) return diagnostics.errors.push_back({path, value.error().message});
    weight.tensor = value->front().tensor;
    if (const Json* original = fields.raw("stands_for")) weight.stands_for = *original;
    total = weight.tensor.bytes > kNoLimit - total ? kNoLimit : total + weight.tensor.bytes;
    weights.push_back(std::move(weight));
  });
  demand_clean(diagnostics, role, at);
  demand_bytes(total, max_bytes, role, at);
  return weights;
}

std::vector<std::string> read_skipped(const Json& body, schemas::RunnerRole role, const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  std::vector<std::string> skipped;
  reader.each("skipped", kMaxSkipped, false, [&](const Json& item, const std::string&) {
    if (item.is_string()) skipped.push_back(item.get<std::string>().substr(0, kMaxNameBytes));
  });
  demand_clean(diagnostics, role, at);
  return skipped;
}

WeightsCopied read_weights_copied(const Json& body, schemas::RunnerRole role, const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  WeightsCopied copied;
  copied.copied = reader.int_or("copied", 0, 0, kNoLimit);
  demand_clean(diagnostics, role, at);
  copied.skipped = read_skipped(body, role, at);
  return copied;
}

Probed read_probed(const Json& body, std::int64_t elapsed_ns, schemas::RunnerRole role,
                   const char* at) {
  const auto found = body.find("outputs");
  if (found == body.end()) bad(role, at, "its answer has no \"outputs\"");
  auto outputs = schemas::read_output_shapes(*found);
  if (!outputs) bad(role, at, outputs.error().message);
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  Probed probed;
  probed.outputs = std::move(*outputs);
  if (const Json* ignored = reader.raw("ignored")) {
    auto shapes = schemas::read_output_shapes(*ignored);
    if (!shapes) bad(role, at, shapes.error().message);
    probed.ignored = std::move(*shapes);
  }
  probed.autotune = schemas::read_autotune(reader);
  probed.elapsed_ns = std::min(reader.int_or("elapsed_ns", elapsed_ns, 0, kNoLimit), elapsed_ns);
  demand_clean(diagnostics, role, at);
  return probed;
}

std::string read_ready_mode(const Json& body, const std::string& asked, schemas::RunnerRole role,
                            const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  const bool ready = reader.bool_or("ready", false);
  std::string mode = reader.optional_string("mode", 16).value_or("stream");
  demand_clean(diagnostics, role, at);
  if (!ready) bad(role, at, "it answered a pass without saying that it is ready");
  if (mode != asked && mode != "stream")
    bad(role, at, "it was asked for the mode " + asked + " and is in another");
  return mode;
}

PassDone read_pass_done(const Json& body, std::size_t calls, std::int64_t elapsed_ns,
                        schemas::RunnerRole role, const char* at) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(body, "answer", diagnostics);
  PassDone done;
  reader.each("calls_ns", calls, true, [&](const Json& item, const std::string& path) {
    if (!item.is_number_integer() || item.get<double>() < 0 ||
        item.get<double>() > static_cast<double>(elapsed_ns))
      diagnostics.errors.push_back({path, "must be from 0 to " + std::to_string(elapsed_ns) +
                                              " ns, the length of the window by the judge's "
                                              "clock; it is " +
                                              schemas::shown_value(item)});
    else
      done.calls_ns.push_back(item.get<std::int64_t>());
  });
  // Measured beside the window where the calls are one graph: may come out longer than the window
  // itself.
  if (const auto copy_ns = reader.optional_int("copy_ns", 0, kNoLimit))
    done.copy_ns = std::min(*copy_ns, elapsed_ns);
  demand_clean(diagnostics, role, at);
  if (done.calls_ns.size() != calls && done.calls_ns.size() != 1)
    bad(role, at,
        "it timed " + std::to_string(done.calls_ns.size()) + " calls of a window of " +
            std::to_string(calls));
  return done;
}

}  // namespace assay::engine::judge
