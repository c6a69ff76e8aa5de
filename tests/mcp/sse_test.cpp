// SPDX-License-Identifier: Apache-2.0
#include "mcp/sse.h"

#include <thread>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::CallStream;
using nlohmann::json;
using namespace std::chrono_literals;

TEST_CASE("a frame is one event with one line of data") {
  CHECK(assay::mcp::event_frame({{"a", "x\ny"}}) == "event: message\ndata: {\"a\":\"x\\ny\"}\n\n");
}

TEST_CASE("notifications come in order, then the response, then nothing") {
  CallStream stream;
  stream.notify(1);
  stream.notify(2);
  stream.finish("done");
  stream.notify(3);        // after the end
  stream.finish("again");  // a second end
  CHECK(*stream.next(0ms) == 1);
  CHECK(*stream.next(0ms) == 2);
  CHECK_FALSE(stream.drained());
  CHECK(*stream.next(0ms) == "done");
  CHECK(stream.drained());
  CHECK_FALSE(stream.next(0ms));
}

TEST_CASE("a slow reader costs a bounded number of notifications and keeps the newest") {
  CallStream stream;
  for (std::size_t i = 0; i < 1'000; ++i) stream.notify(i);
  CHECK(*stream.next(0ms) == 1'000 - assay::mcp::kMaxPendingNotifications);
}

TEST_CASE("waiting ends with patience or with the response") {
  CallStream stream;
  CHECK_FALSE(stream.next(10ms));
  CHECK_FALSE(stream.response_within(10ms));
  std::thread worker([&] {
    std::this_thread::sleep_for(20ms);
    stream.notify("on the way");
    stream.finish("done");
  });
  CHECK(*stream.response_within(5s) == "done");
  worker.join();
  CHECK(stream.drained());
}

TEST_CASE("a reader who has gone withdraws the call only where closing means that") {
  CallStream legacy, modern, late;
  legacy.abandon(false);
  CHECK_FALSE(legacy.withdrawn());
  modern.abandon(true);
  CHECK(modern.withdrawn());
  late.finish("done");
  late.abandon(true);
  CHECK_FALSE(late.withdrawn());
  modern.notify("nobody reads this");
  CHECK_FALSE(modern.next(0ms));
}

}  // namespace
