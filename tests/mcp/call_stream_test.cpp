// SPDX-License-Identifier: Apache-2.0
#include "mcp/call_stream.h"

#include <thread>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::CallStream;
using assay::mcp::EventSource;
using assay::mcp::read_event_id;
using nlohmann::json;
using namespace std::chrono_literals;

std::shared_ptr<CallStream> make_stream(std::string id = {}) {
  return std::make_shared<CallStream>(std::move(id));
}

// All frames that are there now.
std::string taken(EventSource& reader) {
  std::string all;
  while (const auto frame = reader.next(0ms)) all += *frame;
  return all;
}

TEST_CASE("a frame is one event with one line of data, and an id only where one can come back") {
  const auto plain = make_stream();
  plain->send({{"a", "x\ny"}});
  CHECK(taken(*plain->read({})) == "event: message\ndata: {\"a\":\"x\\ny\"}\n\n");
  const auto named = make_stream("s");
  named->send(1);
  CHECK(taken(*named->read({})) == "id: s-1\nevent: message\ndata: 1\n\n");
}

TEST_CASE("messages come in order, then the response, then nothing") {
  const auto stream = make_stream();
  const auto reader = stream->read({});
  stream->send(1);
  stream->send(2);
  stream->finish("done");
  stream->send(3);          // after the end
  stream->finish("again");  // a second end
  CHECK(*reader->next(0ms) == "event: message\ndata: 1\n\n");
  CHECK(*reader->next(0ms) == "event: message\ndata: 2\n\n");
  CHECK_FALSE(reader->ended());
  CHECK(*reader->next(0ms) == "event: message\ndata: \"done\"\n\n");
  CHECK(reader->ended());
  CHECK_FALSE(reader->next(0ms));
}

TEST_CASE("a sole answer is one before which nothing was said") {
  const auto quiet = make_stream();
  CHECK(quiet->sole_answer_within(0ms) == std::pair(false, std::optional<json>()));
  quiet->finish("done");
  CHECK(quiet->sole_answer_within(0ms) == std::pair(true, std::optional<json>("done")));
  const auto talkative = make_stream();
  talkative->send(1);
  talkative->finish("done");
  CHECK(talkative->sole_answer_within(0ms) == std::pair(false, std::optional<json>()));
  CHECK(talkative->end_within(0ms) == std::pair(true, std::optional<json>("done")));
  const auto cancelled = make_stream();
  cancelled->finish(std::nullopt);
  CHECK(cancelled->sole_answer_within(0ms) == std::pair(true, std::optional<json>()));
}

TEST_CASE("waiting for a sole answer ends with the first word or the first farewell") {
  for (const bool farewell : {false, true}) {
    const auto stream = make_stream("s");
    std::thread producer([&] {
      std::this_thread::sleep_for(20ms);
      farewell ? stream->send_away(5ms) : stream->send(1);
    });
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(stream->sole_answer_within(10s).first);
    CHECK(std::chrono::steady_clock::now() - start < 5s);
    producer.join();
  }
}

TEST_CASE("a reader who comes after the farewell is sent away, the next one is not") {
  const auto stream = make_stream("s");
  stream->send_away(5ms);
  const auto first = stream->read({0, true, false});
  CHECK(taken(*first) == "id: s-0\ndata: \n\nretry: 5\n\n");
  CHECK(first->ended());
  const auto second = stream->read({});
  CHECK(taken(*second).empty());
  CHECK_FALSE(second->ended());
}

TEST_CASE("a cancelled call ends without a response") {
  const auto stream = make_stream();
  const auto reader = stream->read({});
  stream->finish(std::nullopt);
  CHECK_FALSE(reader->next(0ms));
  CHECK(reader->ended());
  CHECK(stream->end_within(0ms) == std::pair(true, std::optional<json>()));
}

TEST_CASE("a slow reader costs a bounded number of messages and keeps the newest") {
  const auto stream = make_stream("s");
  for (std::size_t i = 1; i <= 1'000; ++i) stream->send(i);
  const auto first = stream->read({})->next(0ms);
  CHECK(*first ==
        "id: s-" + std::to_string(1'001 - CallStream::kMaxMessages) +
            "\nevent: message\ndata: " + std::to_string(1'001 - CallStream::kMaxMessages) + "\n\n");
}

TEST_CASE("waiting ends with patience or with the end") {
  const auto stream = make_stream();
  CHECK_FALSE(stream->read({})->next(10ms));
  CHECK_FALSE(stream->end_within(10ms).first);
  std::thread worker([&] {
    std::this_thread::sleep_for(20ms);
    stream->send("on the way");
    stream->finish("done");
  });
  CHECK(*stream->end_within(5s).second == "done");
  worker.join();
}

TEST_CASE("a reader that was lost is followed by one that goes on after its last event") {
  const auto stream = make_stream("7");
  CallStream::ReaderOptions primed;
  primed.primed = true;
  const auto first = stream->read(primed);
  CHECK(*first->next(0ms) == "id: 7-0\ndata: \n\n");
  stream->send(1);
  stream->send(2);
  CHECK(first->next(0ms)->substr(0, 7) == "id: 7-1");
  first->closed(false);
  stream->send(3);
  CallStream::ReaderOptions after_one;
  after_one.after = 1;
  const auto second = stream->read(after_one);
  CHECK(first->ended());  // never the same message on two streams
  CHECK_FALSE(first->next(0ms));
  stream->finish("done");
  CHECK(taken(*second) ==
        "id: 7-2\nevent: message\ndata: 2\n\nid: 7-3\nevent: message\ndata: 3\n\n"
        "id: 7-4\nevent: message\ndata: \"done\"\n\n");
  CHECK(second->ended());
}

TEST_CASE("a reader that is sent away hears when to come back and misses nothing") {
  const auto stream = make_stream("1");
  const auto first = stream->read({});
  stream->send("before");
  stream->send_away(500ms);
  stream->send("after");
  CHECK_THAT(taken(*first), Catch::EndsWith("retry: 500\n\n"));
  CHECK(first->ended());
  CallStream::ReaderOptions again;
  again.after = 2;
  const auto second = stream->read(again);
  stream->finish("done");
  CHECK(taken(*second) == "id: 1-3\nevent: message\ndata: \"done\"\n\n");
}

TEST_CASE("a reader who has gone withdraws the call only where closing means that") {
  CallStream::ReaderOptions withdraws;
  withdraws.closing_withdraws = true;
  const auto legacy = make_stream(), modern = make_stream(), late = make_stream(),
             whole = make_stream();
  legacy->read({})->closed(false);
  CHECK_FALSE(legacy->withdrawn());
  modern->read(withdraws)->closed(false);
  CHECK(modern->withdrawn());
  late->finish("done");
  late->read(withdraws)->closed(false);
  CHECK_FALSE(late->withdrawn());
  whole->read(withdraws)->closed(true);
  CHECK_FALSE(whole->withdrawn());
}

TEST_CASE("event ids are read exactly") {
  CHECK(read_event_id("12-3")->stream_id == "12");
  CHECK(read_event_id("12-3")->number == 3);
  for (const char* bad : {"", "-", "1", "-1", "1-", "1-x", "1-2x", "1--", "1-99999999999999999999"})
    CHECK_FALSE(read_event_id(bad));
}

}  // namespace
