// SPDX-License-Identifier: Apache-2.0
// assay-compiler: one request on descriptor 3, one answer, the end. Confined by whoever started it.
#include <chrono>
#include <cstdio>

#include "engine/compiler/compile_log.h"
#include "engine/compiler/nvcc_compile.h"
#include "engine/compiler/nvrtc_compile.h"
#include "sandbox/channel.h"
#include "sandbox/shared_memory.h"
#include "schemas/worker_message.h"

namespace {

using namespace assay;
using schemas::Json;

constexpr auto kPatience = std::chrono::seconds(30);  // for a front that does not read

schemas::Result<engine::CompileTask> read_task(const std::string& bytes) {
  const auto json = schemas::parse_json(bytes);
  if (!json) {
    return json.error();
  }
  schemas::Diagnostics diagnostics;
  schemas::ObjectReader reader(*json, "", diagnostics);
  engine::CompileTask task;
  reader.required_word("op", {"compile"});
  task.architecture = reader.required_string("architecture", 32);
  task.nvrtc_library = reader.required_string("nvrtc_library", 4096);
  task.nvcc = reader.optional_string("nvcc", 4096).value_or("");
  reader.each("include_directories", 16, true, [&](const Json& item, const std::string&) {
    if (item.is_string()) {
      task.include_directories.push_back(item.get<std::string>());
    }
  });
  if (const Json* kernel = reader.raw("kernel")) {
    task.kernel = schemas::read_kernel(*kernel, "kernel", diagnostics);
  } else {
    reader.error("kernel", "is required");
  }
  if (!diagnostics.errors.empty()) {
    return schemas::malformed(diagnostics);
  }
  return task;
}

Json answer_json(const engine::CompileAnswer& answer) {
  using Outcome = engine::CompileAnswer::Outcome;
  if (answer.outcome != Outcome::compiled) {
    const bool contract = answer.outcome == Outcome::contract_error;
    return {{"ok", false},
            {"error", {{"kind", contract ? "contract" : "compile"}, {"message", answer.message}}},
            {"log", answer.log},
            {"whole_log", engine::bounded_log(answer.whole_log)}};
  }
  schemas::CompileReport report;
  report.kernels = answer.kernels;
  return {{"ok", true},
          {"kernel_name", answer.kernel_name},
          {"kernels", schemas::to_json(report)["kernels"]},
          {"log", answer.log},
          {"whole_log", engine::bounded_log(answer.whole_log)},
          {"tool", answer.tool}};
}

int fail(const schemas::Error& error) {
  std::fprintf(stderr, "assay-compiler: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main() {
  sandbox::Channel channel{sandbox::UniqueFd(sandbox::kChannelDescriptor)};
  auto frame = channel.receive(schemas::kMaxTrustedFrameBytes, sandbox::after(kPatience));
  if (!frame || !*frame) {
    return frame ? 0 : fail(frame.error());
  }
  const auto task = read_task((*frame)->bytes);
  if (!task) {
    return fail(task.error());
  }
  const bool by_nvcc = task->kernel.metadata.backend == schemas::CudaBackend::nvcc;
  const auto answer =
      by_nvcc ? engine::compile_with_nvcc(*task) : engine::compile_with_nvrtc(*task);
  if (!answer) {
    return fail(answer.error());
  }
  std::vector<int> descriptors;
  sandbox::SharedMemory memory;
  if (answer->outcome == engine::CompileAnswer::Outcome::compiled) {
    auto created = sandbox::SharedMemory::create("cubin", answer->cubin.size());
    if (!created) {
      return fail(created.error());
    }
    memory = std::move(*created);
    if (auto written = memory.write(0, answer->cubin.data(), answer->cubin.size()); !written) {
      return fail(written.error());
    }
    descriptors.push_back(memory.fd());
  }
  const auto sent = channel.send(schemas::dump_json(answer_json(*answer)), descriptors,
                                 sandbox::after(kPatience));
  return sent ? 0 : fail(sent.error());
}
