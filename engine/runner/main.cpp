// SPDX-License-Identifier: Apache-2.0
// assay-runner --channel-fd N: the device tier's runner. Exit status: 0 done, 64 wrong arguments,
// 70 the channel broke.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "engine/runner/device_runner.h"
#include "sandbox/channel.h"
#include "sandbox/fd.h"

namespace {

constexpr int kExitUsage = 64, kExitBroken = 70;

std::optional<int> channel_number(int count, char** arguments) {
  if (count != 3 || std::strcmp(arguments[1], "--channel-fd") != 0) return std::nullopt;
  const std::string_view text = arguments[2];
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 3) return std::nullopt;
  return number;
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = channel_number(count, arguments);
  if (!number) {
    std::fputs("usage: assay-runner --channel-fd N   (N of 3 or more, a connected socket)\n",
               stderr);
    return kExitUsage;
  }
  assay::engine::runner::DeviceRunner runner{
      assay::sandbox::Channel{assay::sandbox::UniqueFd(*number)}};
  const auto served = runner.serve();
  if (served) return 0;
  std::fprintf(stderr, "assay-runner: %s\n", served.error().message.c_str());
  return kExitBroken;
}
