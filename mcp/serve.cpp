// SPDX-License-Identifier: Apache-2.0
#include "mcp/serve.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <malloc.h>
#include <memory>
#include <thread>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include "engine/engine.h"
#include "mcp/conformance_fixtures.h"
#include "mcp/data_directory.h"
#include "mcp/http_guard.h"
#include "mcp/http_server.h"
#include "mcp/log.h"
#include "mcp/rest.h"
#include "mcp/server.h"
#include "mcp/signals.h"
#include "mcp/start_engine.h"
#include "mcp/stdio.h"
#include "mcp/version.h"
#include "tools/all_tools.h"

namespace assay::mcp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kReturnedBytes = 1 << 20;
constexpr std::chrono::milliseconds kStopPatience{3'000};
constexpr std::chrono::milliseconds kStopLimit{9'500};  // then the process ends whatever still runs

// The parts behind every transport.
struct Service {
  Service(std::unique_ptr<engine::Engine> opened, const Options& options)
      : engine(std::move(opened)),
        registry(tools::all_tools(*engine)),
        fixtures(options.conformance_fixtures ? std::make_unique<ConformanceFixtures>() : nullptr),
        server(registry, kVersion, fixtures.get()) {
    registry.on_defect = [](std::string_view tool, std::string_view what) {
      spdlog::error("tool {} failed: {}", tool, what);
    };
  }
  std::unique_ptr<engine::Engine> engine;
  tools::Registry registry;
  std::unique_ptr<ConformanceFixtures> fixtures;  // null unless asked for
  Server server;
};

void warn_of_ignored(const Options& options) {
  for (const auto& name : options.ignored)
    spdlog::warn("{} has no meaning here and is ignored", name);
  if (!is_loopback(options.host))
    spdlog::warn(
        "bound to {}: the token travels as it is, so put a proxy with TLS in front (see deploy/)",
        options.host);
}

// The file appears whole or not at all.
bool write_port_file(const std::string& path, int port) {
  if (path.empty()) return true;
  const std::string draft = path + ".new";
  std::ofstream(draft) << port << "\n";
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) spdlog::error("cannot write {}: {}", path, error.message());
  return !error;
}

std::string url_host(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

void end_in_time() {
  std::thread([] {
    std::this_thread::sleep_for(kStopLimit);
    spdlog::error("not everything ended in time");
    std::_Exit(1);
  }).detach();
}

// Waits for a signal on a thread of its own, then stops the parts. Joined by the destructor.
class Stopper {
 public:
  Stopper(int signals, std::function<void()> stop)
      : done_(::eventfd(0, EFD_CLOEXEC)), thread_([this, signals, stop = std::move(stop)] {
          const int signal = read_stop_signal(signals, done_);
          if (signal == 0) return;
          spdlog::info("{}: stopping", ::strsignal(signal));
          end_in_time();
          stop();
        }) {}
  ~Stopper() {
    const std::uint64_t one = 1;
    (void)!::write(done_, &one, sizeof one);
    thread_.join();
    ::close(done_);
  }
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

 private:
  int done_;
  std::thread thread_;
};

RestOptions rest_options(const Options& options) {
  RestOptions rest;
  rest.gpu_type = options.gpu_type;
  rest.version = kVersion;
  if (options.compile_timeout_seconds > 0)
    rest.compile_timeout_seconds = options.compile_timeout_seconds;
  if (options.run_timeout_seconds > 0) rest.run_timeout_seconds = options.run_timeout_seconds;
  return rest;
}

int fail(const schemas::Error& error) {
  spdlog::critical("{}", error.message);
  return 1;
}

}  // namespace

int serve(const Options& options) {
  // Large bodies go back to the system with their request; by default the allocator would learn
  // from the first one to keep the memory of the next.
  ::mallopt(M_MMAP_THRESHOLD, kReturnedBytes);
  start_log(options.log_level);
  const int signals = watch_stop_signals();
  warn_of_ignored(options);

  // Listening comes first: clients that connect while the rest is made wait a moment instead of
  // failing.
  HttpOptions http_options;
  http_options.host = options.host;
  http_options.port = options.port;
  http_options.allowed_hosts = options.door.allowed_hosts;
  http_options.allowed_origins = options.door.allowed_origins;
  http_options.auth = options.door.auth;
  if (options.door.rate_limit) {
    http_options.clients.requests_per_second = *options.door.rate_limit;
    http_options.clients.rate_for_loopback = true;
  }
  http_options.stream_lists = options.conformance_fixtures;
  HttpServer http(http_options);
  const auto port = http.listen();
  if (!port.ok()) return fail(port.error());

  const auto data = DataDirectory::hold(options.data_directory);
  if (!data.ok()) return fail(data.error());
  auto engine = start_engine(options);
  if (!engine.ok()) return fail(engine.error());
  if (const auto held = check_isolation(**engine, options.required_isolation); !held.ok())
    return fail(held.error());
  Service service(std::move(*engine), options);
  const Rest rest(service.registry, *service.engine, rest_options(options));
  if (!write_port_file(options.port_file, *port)) return 1;
  std::cout << "assay " << kVersion << " listens on http://" << url_host(options.host) << ":"
            << *port << " (MCP at /mcp; data in " << options.data_directory << ")" << std::endl;

  bool served = false;
  {
    const Stopper stopper(signals, [&] {
      service.engine->stop(kStopPatience);  // answers of ended jobs still go out
      http.stop();
    });
    served = http.serve(service.server, rest);
  }
  service.engine->stop(kStopPatience);
  return served ? 0 : 1;
}

int serve_on_stdio(const Options& given) {
  Options options = given;
  start_log(options.log_level);
  const int signals = watch_stop_signals();
  for (const auto& name : options.ignored)
    spdlog::warn("{} has no meaning here and is ignored", name);
  // A host starts one server per session, and there may be several hosts.
  const auto data = options.data_directory_is_default
                        ? DataDirectory::hold_first_free(options.data_directory)
                        : DataDirectory::hold(options.data_directory);
  if (!data.ok()) return fail(data.error());
  options.data_directory = data->path();
  spdlog::info("data in {}", options.data_directory);
  auto engine = start_engine(options);
  if (!engine.ok()) return fail(engine.error());
  if (const auto held = check_isolation(**engine, options.required_isolation); !held.ok())
    return fail(held.error());
  Service service(std::move(*engine), options);
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  {
    const Stopper stopper(signals, [stop] {
      const std::uint64_t one = 1;
      (void)!::write(stop, &one, sizeof one);
    });
    serve_stdio(service.server, STDIN_FILENO, STDOUT_FILENO, stop);
  }
  ::close(stop);
  end_in_time();
  service.engine->stop(std::chrono::milliseconds::zero());
  return 0;
}

}  // namespace assay::mcp
