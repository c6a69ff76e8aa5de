// SPDX-License-Identifier: Apache-2.0
// assay-keeper: finds its owner's channel as descriptor 3 and the job in its first frame.
// `--nothing` exits at once; it is what the isolation probe runs.
#include <cstring>
#include <unistd.h>

#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/messages.h"

namespace {

constexpr int kUsage = 2;
constexpr auto kCommandPatience = std::chrono::seconds(10);

}  // namespace

int main(int argument_count, char** arguments) {
  using namespace assay::sandbox;
  if (argument_count == 2 && std::strcmp(arguments[1], "--nothing") == 0) return 0;

  Channel owner{UniqueFd(kKeeperChannelFd)};
  auto frame = owner.receive(kMaxKeeperMessageBytes, after(kCommandPatience));
  if (!frame || !*frame) return kUsage;
  SpawnCommand command;
  if (!decode_message((*frame)->bytes, Tag::spawn, command) ||
      command.protocol != kKeeperProtocol || command.arguments.empty())
    return kUsage;
  auto descriptors = pair_descriptors(std::move((*frame)->descriptors), command.targets);
  if (!descriptors) return kUsage;
  keep(Job{std::move(command.policy), std::move(command.arguments), std::move(*descriptors)},
       std::move(owner));
}
