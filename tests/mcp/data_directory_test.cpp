// SPDX-License-Identifier: Apache-2.0
#include "mcp/data_directory.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "tests/engine/temporary_directory.h"

namespace {

using assay::mcp::DataDirectory;
using Catch::Contains;

TEST_CASE("a data directory has one server, and is free when that has gone") {
  const assay::tests::TemporaryDirectory scratch;
  const std::string path = scratch.path() + "/new/data";
  {
    const auto held = DataDirectory::hold(path);
    REQUIRE(held.ok());
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    const auto refused = DataDirectory::hold(path);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, Contains(path) && Contains("--data-dir"));
    const auto second = DataDirectory::hold_first_free(path);
    const auto third = DataDirectory::hold_first_free(path);
    REQUIRE(second.ok());
    REQUIRE(third.ok());
    CHECK(second->path() == path + "-2");
    CHECK(third->path() == path + "-3");
  }
  CHECK(DataDirectory::hold_first_free(path)->path() == path);
}

TEST_CASE("what can be no data directory is refused, in words") {
  const auto refused = DataDirectory::hold("/dev/null/data");
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Contains("/dev/null/data"));
  CHECK_FALSE(DataDirectory::hold_first_free("/dev/null/data").ok());
}

}  // namespace
