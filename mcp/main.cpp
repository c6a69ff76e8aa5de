// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>
#include <vector>

#include "mcp/cache_command.h"
#include "mcp/doctor.h"
#include "mcp/options.h"
#include "mcp/serve.h"
#include "mcp/version.h"

int main(int argument_count, char** arguments) {
  using namespace assay::mcp;
  constexpr int kUsageStatus = 2;
  const auto options = parse_options(
      std::vector<std::string>(arguments + 1, arguments + argument_count), process_environment());
  if (!options.ok()) {
    std::cerr << "assay: " << options.error().message << "\n";
    return kUsageStatus;
  }
  switch (options->command) {
    case Command::serve: return serve(*options);
    case Command::stdio: return serve_on_stdio(*options);
    case Command::doctor: return doctor(*options);
    case Command::cache: return cache_command(*options);
    case Command::version: std::cout << "assay " << kVersion << "\n"; return 0;
    case Command::help: std::cout << help_text(); return argument_count > 1 ? 0 : kUsageStatus;
  }
  return kUsageStatus;
}
