// SPDX-License-Identifier: Apache-2.0
// The three ways of launching a window (passes.h).
#include <algorithm>
#include <memory>
#include <utility>

#include "engine/runner/blocking_kernel.h"
#include "engine/runner/failure.h"
#include "engine/runner/passes.h"

namespace assay::engine::runner {
namespace {

using schemas::Json;

// Written before every launch of an events window, so that nothing of its inputs is left in the L2
// cache.
constexpr std::int64_t kFlushedCaches = 2;
constexpr std::int64_t kMinFlushBytes = std::int64_t{32} << 20;
constexpr std::int64_t kMaxFlushBytes = std::int64_t{1} << 30;

struct EventPair {
  Event begin, end;
};

std::vector<EventPair> make_pairs(const Device& device, std::size_t count) {
  std::vector<EventPair> pairs;
  pairs.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    pairs.push_back({make_event(device.driver_pointer()), make_event(device.driver_pointer())});
  return pairs;
}

std::vector<std::int64_t> durations(const Device& device, const std::vector<EventPair>& pairs) {
  std::vector<std::int64_t> result;
  result.reserve(pairs.size());
  for (const EventPair& pair : pairs) result.push_back(device.elapsed_ns(pair.begin, pair.end));
  return result;
}

BlockingKernel& made_once(PassContext context) {
  if (!context.blocking) context.blocking = std::make_unique<BlockingKernel>(context.device);
  return *context.blocking;
}

class StreamWindow final : public Window {
 public:
  StreamWindow(PassContext context, const PassPlan& plan)
      : context_(context), plan_(plan), pairs_(make_pairs(context.device, plan.slots.size())) {}

  const char* mode() const override { return "stream"; }

  void launch_all() override {
    for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
      const std::int64_t slot = plan_.slots[i];
      wait_slot(context_.memory, slot, plan_.window);
      context_.device.record(pairs_[i].begin);
      context_.kernel.launch(context_.device, context_.memory.parameters(slot));
      context_.device.record(pairs_[i].end);
    }
  }

  std::vector<std::int64_t> calls_ns() override { return durations(context_.device, pairs_); }

 private:
  PassContext context_;
  const PassPlan& plan_;
  std::vector<EventPair> pairs_;
};

class GraphWindow final : public Window {
 public:
  GraphWindow(PassContext context, const PassPlan& plan)
      : context_(context), plan_(plan), pair_(std::move(make_pairs(context.device, 1).front())) {
    const Device& device = context_.device;
    const cuda::DriverPointer& driver = device.driver_pointer();
    const Graph graph = capture();
    CUgraphExec instance = nullptr;
    check(*driver, driver->call.graph_instantiate(&instance, graph.get(), 0),
          "instantiating the graph");
    instance_ = GraphInstance(driver, instance);
    check(*driver, driver->call.graph_upload(instance, device.stream()), "uploading the graph");
    device.synchronize();
  }

  const char* mode() const override { return "graph"; }

  void launch_all() override {
    for (const std::int64_t slot : plan_.slots) wait_slot(context_.memory, slot, plan_.window);
    const Device& device = context_.device;
    device.record(pair_.begin);
    check(device.driver(), device.call().graph_launch(instance_.get(), device.stream()),
          "launching the graph");
    device.record(pair_.end);
  }

  std::vector<std::int64_t> calls_ns() override {
    return {context_.device.elapsed_ns(pair_.begin, pair_.end)};
  }

 private:
  Graph capture() {
    const Device& device = context_.device;
    const cuda::DriverPointer& driver = device.driver_pointer();
    check(*driver,
          driver->call.stream_begin_capture(device.stream(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
          "starting a capture");
    std::exception_ptr failure;
    try {
      for (const std::int64_t slot : plan_.slots)
        context_.kernel.launch(device, context_.memory.parameters(slot));
    } catch (...) {
      failure = std::current_exception();  // the capture is ended in any case
    }
    CUgraph graph = nullptr;
    const CUresult ended = driver->call.stream_end_capture(device.stream(), &graph);
    Graph owned(driver, graph);
    if (failure) std::rethrow_exception(failure);
    check(*driver, ended, "ending a capture");
    return owned;
  }

  PassContext context_;
  const PassPlan& plan_;
  EventPair pair_;
  GraphInstance instance_;
};

class EventsWindow final : public Window {
 public:
  EventsWindow(PassContext context, const PassPlan& plan)
      : context_(context),
        plan_(plan),
        blocking_(made_once(context)),
        pairs_(make_pairs(context.device, plan.slots.size())) {
    const Device& device = context_.device;
    const std::int64_t cache = device.attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
    const auto bytes = static_cast<std::size_t>(
        std::clamp(cache * kFlushedCaches, kMinFlushBytes, kMaxFlushBytes));
    CUdeviceptr buffer = 0;
    check(device.driver(), device.call().mem_alloc(&buffer, bytes), "allocating the flush buffer");
    flush_buffer_ = DeviceBuffer(device.driver_pointer(), buffer);
    flush_bytes_ = bytes;
    flush(0);
    blocking_.hold(device);  // one turn of everything, so that nothing is first inside the window
    blocking_.release();
    device.synchronize();
  }

  const char* mode() const override { return "events"; }

  void launch_all() override {
    const Device& device = context_.device;
    for (std::size_t i = 0; i < plan_.slots.size(); ++i) {
      const std::int64_t slot = plan_.slots[i];
      wait_slot(context_.memory, slot, plan_.window);
      flush(static_cast<unsigned int>(i));
      blocking_.hold(device);
      device.record(pairs_[i].begin);
      context_.kernel.launch(device, context_.memory.parameters(slot));
      device.record(pairs_[i].end);
      blocking_.release();
    }
  }

  std::vector<std::int64_t> calls_ns() override { return durations(context_.device, pairs_); }

  Json notes() override {
    return {{"flushed_bytes", flush_bytes_}, {"blocking_gave_up", blocking_.gave_up()}};
  }

 private:
  void flush(unsigned int value) {
    const Device& device = context_.device;
    check(device.driver(),
          device.call().memset_d32_async(flush_buffer_.get(), value,
                                         flush_bytes_ / sizeof(std::uint32_t), device.stream()),
          "flushing the cache");
  }

  PassContext context_;
  const PassPlan& plan_;
  BlockingKernel& blocking_;
  std::vector<EventPair> pairs_;
  DeviceBuffer flush_buffer_;
  std::size_t flush_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Window> make_stream_window(PassContext context, const PassPlan& plan) {
  return std::make_unique<StreamWindow>(context, plan);
}
std::unique_ptr<Window> make_graph_window(PassContext context, const PassPlan& plan) {
  return std::make_unique<GraphWindow>(context, plan);
}
std::unique_ptr<Window> make_events_window(PassContext context, const PassPlan& plan) {
  return std::make_unique<EventsWindow>(context, plan);
}

}  // namespace assay::engine::runner
