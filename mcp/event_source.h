// SPDX-License-Identifier: Apache-2.0
// A stream of server-sent events as its transport pulls it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace assay::mcp {

// A comment is sent when nothing else was for this long, so that proxies and hosts keep the stream.
inline constexpr std::chrono::seconds kCommentInterval{10};
inline constexpr const char* kCommentFrame = ": still working\n\n";

// All members are called by one thread at a time and may be called while others produce.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // The text of the next frame, its empty line included; nothing when none comes within `patience`.
  virtual std::optional<std::string> next(std::chrono::milliseconds patience) = 0;
  // Everything was taken and nothing will come any more: the stream is ended properly.
  virtual bool ended() const = 0;
  // The transport is done with it. `whole`: the end was written; else the reader has gone.
  virtual void closed(bool whole) = 0;
};

}  // namespace assay::mcp
