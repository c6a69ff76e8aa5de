// SPDX-License-Identifier: Apache-2.0
// The zygote's side of fork_server.h.
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <utility>

#include <sys/wait.h>

#include "sandbox/fork_server.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/messages.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

constexpr auto kReapInterval = std::chrono::seconds(1);
constexpr auto kAnswerPatience = std::chrono::seconds(10);

void reap(std::vector<pid_t>& keepers) {
  std::erase_if(keepers, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

// A fork copies one thread; locks that others hold stay locked in the child for ever.
std::optional<std::string> more_than_one_thread() {
  std::error_code error;
  int threads = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/task", error), end;
       !error && entry != end; entry.increment(error))
    ++threads;
  if (error) return "cannot count the threads of the zygote: " + error.message();
  if (threads != 1) return "the zygote has " + std::to_string(threads) + " threads";
  return std::nullopt;
}

struct Order {
  ForkCommand command;
  Channel owner;
  std::vector<GrantedFd> grants;
};

std::optional<Order> read_order(Frame frame) {
  Order order;
  if (!decode_message(frame.bytes, Tag::fork, order.command) ||
      order.command.protocol != kKeeperProtocol || frame.descriptors.empty())
    return std::nullopt;
  order.owner = Channel(std::move(frame.descriptors.front()));
  frame.descriptors.erase(frame.descriptors.begin());
  auto grants = pair_descriptors(std::move(frame.descriptors), order.command.targets);
  if (!grants) return std::nullopt;
  order.grants = std::move(*grants);
  return order;
}

void call(const std::function<void()>& hook) {
  if (hook) hook();
}

}  // namespace

std::variant<ChildTask, Closed> serve_next(int channel_fd, const ForkHooks& hooks) {
  Channel channel{UniqueFd(channel_fd)};
  // The caller's descriptor stays the caller's; in a child its number may have become a granted
  // one.
  struct Disowner {
    Channel& channel;
    ~Disowner() { (void)channel.release().release(); }
  } const disowner{channel};

  std::vector<pid_t> keepers;
  if (auto sent = channel.send(encode_message(Tag::ready, Ready{}), after(kAnswerPatience)); !sent)
    return Closed{sent.error().message};
  for (;;) {
    reap(keepers);
    auto frame = channel.receive(kMaxForkRequestBytes, after(kReapInterval));
    if (!frame && frame.error().code == schemas::ErrorCode::timed_out) continue;
    if (!frame) return Closed{frame.error().message};
    if (!*frame) return Closed{};
    std::optional<Order> order = read_order(std::move(**frame));
    if (!order) return Closed{"a fork request that cannot be read"};

    Forked answer;
    if (auto refusal = more_than_one_thread()) {
      answer.message = *refusal;
    } else {
      call(hooks.before);
      const pid_t pid = ::fork();
      if (pid == 0) {
        Policy policy = order->command.policy;
        keep(Job{std::move(order->command.policy), {}, std::move(order->grants)},
             std::move(order->owner));
        call(hooks.in_child);
        return ChildTask{std::move(order->command.argument), std::move(policy.environment)};
      }
      if (pid < 0) answer.message = system_message("fork");
      call(hooks.in_zygote);
      answer.ok = pid > 0;
      if (answer.ok) keepers.push_back(pid);
    }
    if (auto sent = channel.send(encode_message(Tag::forked, answer), after(kAnswerPatience));
        !sent)
      return Closed{sent.error().message};
  }
}

}  // namespace assay::sandbox
