// SPDX-License-Identifier: Apache-2.0
// The same guards in poorer surroundings: what is reported as applied holds there too, a missing
// layer never keeps a process from being served, and exactly the expected layers are missing.
#include <filesystem>
#include <iostream>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "sandbox/probe.h"
#include "support.h"
#include "surroundings.h"

using namespace sandbox_test;

namespace {

// Copies where every user can reach them: a build directory may lie in a private home.
std::string copy_programs(const ScratchDirectory& scratch) {
  for (const char* name : {"sandbox_victim", "sandbox_zygote", "sandbox_owner",
                           "sandbox_process_test", "sandbox_environments_test"})
    std::filesystem::copy_file(program(name), scratch.path() + "/" + name);
  std::filesystem::copy_file(keeper_path(), scratch.path() + "/assay-keeper");
  return scratch.path();
}

bool kernel_has_landlock() {
  constexpr long create_ruleset = 444;
  return ::syscall(create_ruleset, nullptr, std::size_t{0}, 1U) > 0;
}

constexpr const char* kAll = "[guards]";
constexpr const char* kQuick = "[guards]~[slow]";

void check(Surrounding surrounding, const std::string& expected_missing,
           const char* guards = kAll) {
  const ScratchDirectory scratch;
  const std::string directory = copy_programs(scratch);
  std::string why;
  ::setenv("ASSAY_TEST_EXPECTED_MISSING", expected_missing.c_str(), 1);
  const int probed =
      run_in(surrounding, {directory + "/sandbox_environments_test", "[expected]"}, why);
  if (probed < 0) {
    WARN("this surrounding cannot be made here: " << why);
    return;
  }
  CHECK(probed == 0);
  CHECK(run_in(surrounding, {directory + "/sandbox_process_test", guards}, why) == 0);
}

}  // namespace

TEST_CASE("the layers that are missing are the expected ones", "[.][expected]") {
  const char* expected = std::getenv("ASSAY_TEST_EXPECTED_MISSING");
  REQUIRE(expected != nullptr);
  auto layers = sandbox::probe_isolation(spawner(), untrusted_policy(), sandbox::after(kPatience));
  if (!layers) FAIL(layers.error().message);
  for (const auto& layer : *layers) {
    INFO(layer.layer << " " << layer.name << ": " << layer.reason);
    CHECK(layer.applied == layer.reason.empty());
    if (!layer.applied) std::cout << layer.name << ": " << layer.reason << "\n";
  }
  // A layer of the kernel, not of the surrounding.
  std::string missing = missing_layers(*layers);
  if (!kernel_has_landlock()) {
    std::erase_if(*layers, [](const auto& layer) { return layer.name == "landlock"; });
    CHECK(missing.find("landlock") != std::string::npos);
    missing = missing_layers(*layers);
  }
  CHECK(missing == expected);
}

TEST_CASE("root") {
  if (::geteuid() != 0) return;
  check(Surrounding::as_it_is, "", kQuick);  // the guards run as it is anyway
}

TEST_CASE("an ordinary user") {
  check(Surrounding::ordinary_user, "no_system_v_memory own_uid");
}

TEST_CASE("an ordinary user without user namespaces") {
  check(Surrounding::ordinary_user_no_userns,
        "file_tree ipc_namespace mount_namespace network_namespace no_nested_namespaces "
        "no_system_v_memory own_uid pid_namespace task_limit user_namespace uts_namespace");
}

TEST_CASE("an ordinary user under a masked /proc") {
  check(Surrounding::ordinary_user_masked_proc,
        "no_nested_namespaces no_system_v_memory own_uid pid_namespace");
}

TEST_CASE("root in a chroot") {
  if (::geteuid() != 0) return;
  check(Surrounding::root_in_chroot,
        "file_tree mount_namespace no_nested_namespaces pid_namespace user_namespace", kQuick);
}

TEST_CASE("root that cannot pivot") {
  if (::geteuid() != 0) return;
  check(Surrounding::root_no_pivot, "no_nested_namespaces user_namespace", kQuick);
}

TEST_CASE("root without CAP_SYS_ADMIN") {
  if (::geteuid() != 0) return;
  check(Surrounding::root_no_sys_admin, "", kQuick);
}

TEST_CASE("root without CAP_SYS_ADMIN or user namespaces") {
  if (::geteuid() != 0) return;
  check(Surrounding::root_no_sys_admin_no_userns,
        "file_tree ipc_namespace mount_namespace network_namespace no_nested_namespaces "
        "no_system_v_memory pid_namespace user_namespace uts_namespace",
        kQuick);
}
