// SPDX-License-Identifier: Apache-2.0
// What each kind of worker may see and use: the sandbox policies, in one place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/gpu_pool.h"
#include "engine/installation.h"
#include "sandbox/policy.h"
#include "schemas/requests.h"

namespace assay::engine {

// Limits on untrusted workers. Wall time is the job's and is kept by whoever started the process.
inline constexpr std::uint64_t kCompilerMemoryBytes = std::uint64_t{4} << 30;
inline constexpr std::uint64_t kCompilerTasks = 32;
inline constexpr std::uint64_t kPythonCompilerMemoryBytes = std::uint64_t{8} << 30;  // nvcc, g++
inline constexpr std::uint64_t kPythonCompilerTasks = 128;
// A measurement beside compilers is not to wait for them.
inline constexpr std::int32_t kCompilerNiceness = 10;
inline constexpr std::uint64_t kRunnerTasks = 512;  // torch on many cores, and CUDA's own threads
inline constexpr std::uint64_t kRunnerDescriptors = 1024;
inline constexpr std::uint64_t kRunnerFileBytes = std::uint64_t{1} << 30;
// What a one-shot process can use within the longest job.
inline constexpr std::uint64_t kCpuSecondsPerCore = schemas::kMaxTimeoutSeconds;
inline constexpr std::uint64_t kOutputBytes = std::uint64_t{16} << 10;

// Trusted workers: the machine as it is, a small environment.
sandbox::Policy judge_policy(const Installation& installation, const DeviceId& device,
                             const std::string& gpu_uuid);
sandbox::Policy zygote_policy(const Installation& installation);

// Untrusted workers, without a uid (the caller takes one from the pool).
sandbox::Policy compiler_policy(const Installation& installation);
// For kernels written in Python: the chosen Python, g++ and CUDA's compilers; no device.
// `jobs`: compilers at once within one build; 0: as the worker chooses.
sandbox::Policy python_compiler_policy(const Installation& installation, std::int64_t jobs = 0);
// `memory_bytes` bounds a runner's host memory.
// `gpu_uuid` as the judge told it: beside one device node, an index would mean something else.
sandbox::Policy host_runner_policy(const Installation& installation, const DeviceId& device,
                                   const std::string& gpu_uuid, std::uint64_t memory_bytes);
sandbox::Policy device_runner_policy(const Installation& installation, const DeviceId& device,
                                     const std::string& gpu_uuid, std::uint64_t memory_bytes);

}  // namespace assay::engine
