// SPDX-License-Identifier: Apache-2.0
#include "mcp/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <unistd.h>

#include "mcp/ascii.h"
#include "mcp/http_guard.h"
#include "schemas/requests.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using schemas::Status;

constexpr const char* kHelp = R"(Assay evaluates GPU kernels for AI agents.

  assay serve [flags]    MCP at /mcp and REST, on one port
  assay stdio [flags]    MCP on standard input and output
  assay doctor           what is installed here, and what is missing
  assay cache list       compiled kernels, the last used first; also: clear, verify [--data-dir DIR]
  assay --version

  --host HOST            address to bind (127.0.0.1)
  --port N               port; 0 takes a free one (8000)
  --data-dir DIR         jobs and caches of this server alone ($XDG_STATE_HOME/assay, else
                         ~/.local/state/assay; stdio takes assay-2, assay-3 … while that is in use)
  --port-file FILE       write the port here once the server listens
  --log-level LEVEL      trace, debug, info, warning, error, critical (info)
  --require-isolation L  comma-separated layers without which the server does not start
%DOOR%
Environment: ASSAY_TOKEN, LOG_LEVEL, GPU_TYPE (what the header X-GPU-Type says), ASSAY_DATA_DIR;
COMPILE_TIMEOUT (seconds one build may take), EXEC_TIMEOUT (seconds one run on /compute_score and
/check_torch may take; 60), COMPILER_CPUS (processors reckoned for one build: as
many builds run at once as fit), MAX_JOBS (compilers at once within one build) and
TORCH_CUDA_ARCH_LIST (its first entry is compiled for where there is no GPU; 9.0).
Accepted from older servers: --mode fastapi|both (serve), --mode mcp (stdio), and, without effect,
--reload, --cupy-cache-dir, CUPY_KERNEL_CACHE_DIR, CUDA_LAUNCH_BLOCKING, TORCH_USE_CUDA_DSA,
ENABLE_DEVICE_METRICS, NCU_SECTIONS, NCU_METRIC_SETS.
)";

Error usage(std::string message) {
  return {ErrorCode::malformed_call, std::move(message), false, {}};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Status set_port(Options& options, const std::string& value) {
  int port = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
  if (error != std::errc() || end != value.data() + value.size() || port < 0 || port > 65'535)
    return usage("--port must be a number from 0 to 65535, not '" + value + "'");
  options.port = port;
  return schemas::success();
}

Status set_log_level(Options& options, const std::string& value) {
  static const std::vector<std::string> levels = {"trace",   "debug", "info",
                                                  "warning", "error", "critical"};
  options.log_level = lower_case(value);
  if (std::find(levels.begin(), levels.end(), options.log_level) == levels.end())
    return usage("the log level must be trace, debug, info, warning, error or critical, not '" +
                 value + "'");
  return schemas::success();
}

Status set_mode(Options& options, const std::string& value) {
  if (value == "mcp")
    options.command = Command::stdio;
  else if (value != "fastapi" && value != "both")
    return usage("--mode must be fastapi, mcp or both, not '" + value + "'");
  return schemas::success();
}

constexpr std::int64_t kMaxCompilerCpus = 1024, kMaxJobs = 256, kMaxCompileSeconds = 600;

Status set_number(std::int64_t& into, const char* variable, const Environment& environment,
                  std::int64_t most) {
  const auto text = environment(variable);
  if (!text || text->empty()) return schemas::success();
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), into);
  if (error != std::errc() || end != text->data() + text->size() || into < 1 || into > most)
    return usage(std::string(variable) + " must be a whole number from 1 to " +
                 std::to_string(most) + ", not '" + *text + "'");
  return schemas::success();
}

// "9.0", "9.0a" or "9.0+PTX" as "sm_90", "sm_90a", "sm_90"; empty: it is none.
std::string architecture_of(std::string entry) {
  if (entry.ends_with("+PTX")) entry.resize(entry.size() - 4);
  std::string suffix;
  if (entry.ends_with('a') || entry.ends_with('f')) {
    suffix = entry.back();
    entry.pop_back();
  }
  const auto is_digit = [](char character) { return character >= '0' && character <= '9'; };
  const std::size_t dot = entry.find('.');
  const bool valid =
      (dot == 1 || dot == 2) && entry.size() == dot + 2 &&
      std::all_of(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(dot), is_digit) &&
      is_digit(entry.back()) && entry.front() != '0';
  return valid ? "sm_" + entry.substr(0, dot) + entry.back() + suffix : "";
}

Status set_architecture(Options& options, const Environment& environment) {
  const std::string list = environment("TORCH_CUDA_ARCH_LIST").value_or("");
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t end = std::min(list.find_first_of("; ", start), list.size());
    const std::string entry = list.substr(start, end - start);
    start = end + 1;
    if (entry.empty()) continue;
    const std::string architecture = architecture_of(entry);
    if (architecture.empty())
      return usage(
          "TORCH_CUDA_ARCH_LIST must hold capabilities such as 9.0, 9.0a or 9.0+PTX with "
          "';' or spaces between them, not '" +
          entry + "'");
    if (options.architecture.empty()) options.architecture = architecture;
  }
  return schemas::success();
}

Status read_compile_settings(Options& options, const Environment& environment) {
  if (auto status = set_number(options.compile_timeout_seconds, "COMPILE_TIMEOUT", environment,
                               kMaxCompileSeconds);
      !status.ok())
    return status;
  if (auto status = set_number(options.run_timeout_seconds, "EXEC_TIMEOUT", environment,
                               schemas::kMaxTimeoutSeconds);
      !status.ok())
    return status;
  if (auto status =
          set_number(options.compiler_cpus, "COMPILER_CPUS", environment, kMaxCompilerCpus);
      !status.ok())
    return status;
  if (auto status = set_number(options.max_jobs, "MAX_JOBS", environment, kMaxJobs); !status.ok())
    return status;
  return set_architecture(options, environment);
}

Status set_cache_action(Options& options, const std::vector<std::string>& arguments) {
  const std::string action = arguments.size() > 1 ? arguments[1] : "";
  if (action == "list")
    options.cache_action = CacheAction::list;
  else if (action == "clear")
    options.cache_action = CacheAction::clear;
  else if (action == "verify")
    options.cache_action = CacheAction::verify;
  else
    return usage("assay cache takes list, clear or verify, not '" + action + "'");
  return schemas::success();
}

struct Flag {
  const char* name;
  bool takes_value;
  Status (*set)(Options&, const std::string&);
  bool is_of_port = false;  // means nothing on standard input and output
};

template <std::string Options::*member>
Status set_text(Options& options, const std::string& value) {
  if (value.empty()) return usage("an empty value is not allowed");
  options.*member = value;
  return schemas::success();
}

const std::vector<Flag>& flags() {
  static const std::vector<Flag> list = {
      {"--host", true, set_text<&Options::host>, true},
      {"--port", true, set_port, true},
      {"--data-dir", true, set_text<&Options::data_directory>},
      {"--port-file", true, set_text<&Options::port_file>, true},
      {"--log-level", true, set_log_level},
      {"--require-isolation", true,
       [](Options& options, const std::string& value) {
         options.required_isolation = split(value);
         return schemas::success();
       }},
      {"--mode", true, set_mode},
      {"--conformance-fixtures", false,
       [](Options& options, const std::string&) {
         options.conformance_fixtures = true;
         return schemas::success();
       }},
      {"--reload", false,
       [](Options& options, const std::string&) {
         options.ignored.emplace_back("--reload");
         return schemas::success();
       }},
      {"--cupy-cache-dir", true,
       [](Options& options, const std::string&) {
         options.ignored.emplace_back("--cupy-cache-dir");
         return schemas::success();
       }},
  };
  return list;
}

Status read_flags(Options& options, const std::vector<std::string>& arguments, std::size_t next) {
  std::vector<std::string> of_port;
  while (next < arguments.size()) {
    const std::string& argument = arguments[next++];
    const auto equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (name == "--help" || name == "-h") {
      options.command = Command::help;
      return schemas::success();
    }
    const auto flag = std::find_if(flags().begin(), flags().end(),
                                   [&](const Flag& each) { return name == each.name; });
    const bool is_door = is_door_flag(name);
    if (flag == flags().end() && !is_door)
      return usage("unknown argument '" + argument + "'; see assay --help");
    const bool takes_value = is_door || flag->takes_value;
    std::string value;
    if (equals != std::string::npos) {
      if (!takes_value) return usage(name + " takes no value");
      value = argument.substr(equals + 1);
    } else if (takes_value) {
      if (next == arguments.size()) return usage(name + " needs a value");
      value = arguments[next++];
    }
    if (auto status =
            is_door ? set_door_flag(options.door, name, value) : flag->set(options, value);
        !status.ok())
      return status;
    if (is_door || flag->is_of_port) of_port.push_back(name);
  }
  if (options.command == Command::stdio)  // known at the end only: --mode may say so
    options.ignored.insert(options.ignored.end(), of_port.begin(), of_port.end());
  return schemas::success();
}

// The fixtures answer whoever asks: only those on this machine may.
Status check_fixtures(const Options& options) {
  if (!options.conformance_fixtures || options.command == Command::help) return schemas::success();
  if (options.command != Command::serve)
    return usage("--conformance-fixtures is for assay serve only");
  if (!is_loopback(options.host))
    return usage("--conformance-fixtures needs a loopback host, not '" + options.host +
                 "': leave --host out, or leave the fixtures out");
  return schemas::success();
}

std::string default_data_directory(const Environment& environment) {
  if (const auto state = environment("XDG_STATE_HOME"); state && !state->empty())
    return *state + "/assay";
  if (const auto home = environment("HOME"); home && !home->empty())
    return *home + "/.local/state/assay";
  return "/tmp/assay-" + std::to_string(::getuid());
}

Options with_data_directory(Options options, const Environment& environment) {
  options.data_directory_is_default = options.data_directory.empty();
  if (options.data_directory_is_default)
    options.data_directory = default_data_directory(environment);
  return options;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<Options> parse_options(const std::vector<std::string>& arguments,
                              const Environment& environment) {
  Options options;
  options.data_directory = environment("ASSAY_DATA_DIR").value_or("");
  options.gpu_type = environment("GPU_TYPE").value_or("");
  if (const auto level = environment("LOG_LEVEL"); level && !level->empty()) {
    if (auto status = set_log_level(options, *level); !status.ok()) return status.error();
  }
  if (auto status = read_compile_settings(options, environment); !status.ok())
    return status.error();
  if (const auto token = environment("ASSAY_TOKEN"); token && !token->empty()) {
    if (auto status = set_door_flag(options.door, "--token", *token); !status.ok())
      return status.error();
  }
  for (const char* variable :
       {"CUPY_KERNEL_CACHE_DIR", "CUDA_LAUNCH_BLOCKING", "TORCH_USE_CUDA_DSA",
        "ENABLE_DEVICE_METRICS", "NCU_SECTIONS", "NCU_METRIC_SETS"})
    if (environment(variable)) options.ignored.emplace_back(variable);

  if (arguments.empty()) return with_data_directory(std::move(options), environment);
  const std::string& first = arguments.front();
  std::size_t next = 1;
  if (first == "serve")
    options.command = Command::serve;
  else if (first == "stdio")
    options.command = Command::stdio;
  else if (first == "doctor")
    options.command = Command::doctor;
  else if (first == "cache") {
    options.command = Command::cache;
    if (auto status = set_cache_action(options, arguments); !status.ok()) return status.error();
    next = 2;
  } else if (first == "--version" || first == "version")
    options.command = Command::version;
  else if (first == "--help" || first == "-h" || first == "help")
    options.command = Command::help;
  else if (first.rfind("--", 0) == 0)
    options.command = Command::serve, next = 0;  // as older servers were started
  else
    return usage("unknown command '" + first + "'; see assay --help");
  if (auto status = read_flags(options, arguments, next); !status.ok()) return status.error();
  if (auto status = check_fixtures(options); !status.ok()) return status.error();
  if (options.command == Command::serve)
    if (auto status = check_door(options.door, options.host); !status.ok()) return status.error();
  return with_data_directory(std::move(options), environment);
}

std::string help_text() {
  std::string text = kHelp;
  const std::string mark = "%DOOR%\n";
  return text.replace(text.find(mark), mark.size(), kDoorHelp);
}

}  // namespace assay::mcp
