// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/newborn.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sandbox/descriptor_table.h"
#include "sandbox/keeper/messages.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

constexpr auto kAnswerPatience = std::chrono::seconds(30);
constexpr int kExecFailed = 127;
// The host's out-of-memory killer should take the target before anything else of ours.
constexpr char kOutOfMemoryScore[] = "800";

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

[[noreturn]] void fail(Channel& link, const std::string& reason) {
  (void)link.send(encode_message(Tag::failed, Reason{reason}), after(kAnswerPatience));
  ::_exit(kExecFailed);
}

schemas::Status await_answer(Channel& link) {
  auto frame = link.receive(kMaxKeeperMessageBytes, after(kAnswerPatience));
  if (!frame) return std::move(frame).error();
  Answer answer;
  if (!*frame || !decode_message((*frame)->bytes, Tag::answer, answer))
    return make_error(schemas::ErrorCode::interrupted, "the keeper is gone");
  if (!answer.ok) return make_error(schemas::ErrorCode::internal, answer.message);
  return schemas::success();
}

schemas::Status ask_for_maps(Channel& link, std::vector<std::uint32_t> uids,
                             std::vector<std::uint32_t> gids) {
  const MapIds wanted{std::move(uids), std::move(gids)};
  if (auto sent = link.send(encode_message(Tag::map_ids, wanted), after(kAnswerPatience)); !sent)
    return sent;
  return await_answer(link);
}

// By these the keeper looks into the namespaces: which processes there are, what its tmpfs hold.
void send_handles(Channel& link, const Confinement& confinement) {
  const UniqueFd proc(
      confinement.in_pid_namespace ? ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
  const UniqueFd tmp(confinement.own_tree ? ::open("/tmp", O_PATH | O_CLOEXEC) : -1);
  const UniqueFd shm(confinement.own_tree ? ::open("/dev/shm", O_PATH | O_CLOEXEC) : -1);
  std::vector<int> descriptors;
  for (const UniqueFd* fd : {&proc, &tmp, &shm})
    if (fd->valid()) descriptors.push_back(fd->get());
  const Handles handles{proc.valid(), tmp.valid(), shm.valid()};
  (void)link.send(encode_message(Tag::handles, handles), descriptors, after(kAnswerPatience));
}

// The keeper's wish that all should end (SIGTERM). Init lives on to tell how the target ended: one
// that was dying of something else already ends as that.
void kill_all_others(int) {
  ::kill(-1, SIGKILL);
}

// Waits for the target, reaps what it leaves behind meanwhile, and ends; with it ends all else in
// the namespace.
[[noreturn]] void run_init(pid_t target, int end_pipe) {
  close_all_except({end_pipe});
  ::prctl(PR_SET_NAME, "assay-init");
  struct sigaction action {};
  action.sa_handler = kill_all_others;
  ::sigaction(SIGTERM, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (;;) {
    TargetEnd end;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &end.status, 0, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid == target) {
      end.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
      (void)!::write(end_pipe, &end, sizeof(end));
    }
    if (pid == target || pid < 0) ::_exit(0);
  }
}

void prefer_for_out_of_memory() {
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (file) (void)!::write(file.get(), kOutOfMemoryScore, sizeof(kOutOfMemoryScore) - 1);
}

[[noreturn]] void exec_target(const std::vector<std::string>& arguments, Channel& link) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execve(argv[0], argv.data(), environ);
  fail(link, system_message("exec " + arguments[0]));
}

}  // namespace

void become_target(Newborn newborn) {
  Channel& link = newborn.link;
  Confinement confinement{.policy = newborn.policy,
                          .descriptors = std::move(newborn.descriptors),
                          .uid = newborn.uid,
                          .gid = newborn.gid,
                          .privileged = newborn.privileged,
                          .in_user_namespace = newborn.in_user_namespace,
                          .in_pid_namespace = newborn.in_pid_namespace,
                          .refusals = newborn.refusals,
                          .map_ids = {},
                          .restart_reason = {},
                          .failure = {}};
  confinement.map_ids = [&link](std::vector<std::uint32_t> uids, std::vector<std::uint32_t> gids) {
    return ask_for_maps(link, std::move(uids), std::move(gids));
  };

  Layers built;
  run_stage(Stage::build, confinement, built.layers);
  if (confinement.restart != Restart::none) {
    const RestartRequest request{confinement.restart, confinement.restart_reason};
    (void)link.send(encode_message(Tag::restart, request), after(kAnswerPatience));
    ::_exit(0);
  }
  if (!confinement.failure.empty()) fail(link, confinement.failure);
  send_handles(link, confinement);
  (void)link.send(encode_message(Tag::layers, built), after(kAnswerPatience));

  if (confinement.in_pid_namespace) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_DUMPABLE, 0);  // the target shares our uid and must not look into us
    const pid_t target = ::fork();
    if (target < 0) fail(link, system_message("fork of the target"));
    if (target > 0) run_init(target, newborn.end_pipe.get());
  }

  // CUDA renames its threads through /proc/self/task, which belongs to root while we are not
  // dumpable.
  ::prctl(PR_SET_DUMPABLE, newborn.policy.level == ConfineLevel::untrusted ? 1 : 0);
  if (newborn.policy.level == ConfineLevel::untrusted) prefer_for_out_of_memory();
  if (::chdir(newborn.policy.working_directory.c_str()) != 0)
    fail(link, system_message("working directory " + newborn.policy.working_directory));

  Layers finished;
  confinement.keep_open_fd = link.fd();
  run_stage(Stage::target, confinement, finished.layers);
  if (!confinement.failure.empty()) fail(link, confinement.failure);
  // Everything else was closed by number; what still owns those numbers must not close them again.
  (void)link.release().release();
  (void)newborn.end_pipe.release();
  link = Channel(UniqueFd(confinement.keep_open_fd));

  (void)link.send(encode_message(Tag::layers, finished), after(kAnswerPatience));
  (void)link.send(encode_message(Tag::confined, Nothing{}), after(kAnswerPatience));
  if (!await_answer(link)) ::_exit(kExecFailed);
  ::sigprocmask(SIG_SETMASK, &newborn.signal_mask, nullptr);
  if (!newborn.arguments.empty()) exec_target(newborn.arguments, link);
}

}  // namespace assay::sandbox
