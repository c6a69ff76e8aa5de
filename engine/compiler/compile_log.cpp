// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_log.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace assay::engine {

namespace {

enum Rank : std::size_t { kErrors, kWarnings, kOthers, kRanks };

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

bool resource_line(const std::string& line) {
  return line.starts_with("ptxas info") || line.starts_with("ptxas         .");
}

// A message begins at the margin and goes on over indented and empty lines.
bool begins_message(const std::string& line) {
  return !line.empty() && line[0] != ' ';
}

Rank rank_of(const std::string& line) {
  if (line.find("error") != std::string::npos || line.find("fatal") != std::string::npos) {
    return kErrors;
  }
  return line.find("warning") != std::string::npos ? kWarnings : kOthers;
}

}  // namespace

std::string cap_log(std::string log) {
  if (log.size() <= kMaxLogCharacters) {
    return log;
  }
  constexpr std::size_t kRoomForNote = 60;
  std::size_t end = kMaxLogCharacters - kRoomForNote;
  if (const std::size_t line = log.rfind('\n', end); line != std::string::npos && line > end / 2) {
    end = line;
  }
  const std::size_t missing = log.size() - end;
  log.resize(end);
  return log + "\n… " + std::to_string(missing) + " more characters";
}

std::string shorten_log(const std::string& log,
                        const std::vector<std::string>& include_directories) {
  std::array<std::string, kRanks> parts;
  Rank rank = kOthers;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (resource_line(line) || line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    if (begins_message(line)) {
      rank = rank_of(line);
    }
    parts[rank] += line + "\n";
  }
  std::string text = parts[kErrors] + parts[kWarnings] + parts[kOthers];
  // The longest first, so that no directory is cut by one above it.
  std::vector<std::string> directories = include_directories;
  std::sort(directories.begin(), directories.end(),
            [](const auto& left, const auto& right) { return left.size() > right.size(); });
  for (const std::string& directory : directories) {
    replace_all(text, directory + "/", "");
  }
  return cap_log(std::move(text));
}

}  // namespace assay::engine
