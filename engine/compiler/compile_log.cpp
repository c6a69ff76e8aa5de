// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_log.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace assay::engine {

namespace {

enum Rank : std::size_t { kErrors, kWarnings, kOthers, kRanks };

constexpr std::size_t kMaxLineCharacters = 500;

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

bool is_noise(const std::string& line) {
  return line.starts_with("ptxas info") || line.starts_with("ptxas         .") ||
         line.starts_with("Remark: ") || line.find_first_not_of(" \t\r") == std::string::npos ||
         line.find(" bytes stack frame, ") != std::string::npos;
}

// A message begins at the margin and goes on over indented and empty lines.
bool begins_message(const std::string& line) {
  return !line.empty() && line[0] != ' ';
}

Rank rank_of(const std::string& line) {
  if (is_error_line(line) || line.find("detected in the compilation") != std::string::npos) {
    return kErrors;
  }
  return line.find("warning") != std::string::npos ? kWarnings : kOthers;
}

// A line of the list by which compilers say how they came to a template.
bool is_instantiation(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin != std::string::npos && begin > 0 &&
         (line.compare(begin, 17, "instantiation of ") == 0 ||
          line.find("instantiation contexts not shown") != std::string::npos);
}

// The lines of a message are added one by one; chains of instantiations are folded.
class Folded {
 public:
  void add(const std::string& line) {
    if (!is_instantiation(line)) {
      end_chain();
      text_ += shown(line);
      return;
    }
    if (chain_ == 0) {
      text_ += shown(line);
    }
    ++chain_;
    last_ = line;
  }
  std::string take() {
    end_chain();
    return std::move(text_);
  }

 private:
  static std::string shown(const std::string& line) {
    return (line.size() <= kMaxLineCharacters ? line : line.substr(0, kMaxLineCharacters) + " …") +
           "\n";
  }
  void end_chain() {
    if (chain_ > 2) {
      text_ += "            … " + std::to_string(chain_ - 2) + " more instantiations\n";
    }
    if (chain_ > 1) {
      text_ += shown(last_);
    }
    chain_ = 0;
  }

  std::string text_, last_;
  std::size_t chain_ = 0;
};

}  // namespace

bool is_error_line(const std::string& line) {
  if (!begins_message(line)) {
    return false;
  }
  constexpr std::array beginnings = {"ptxas fatal", "ptxas error",  "nvcc fatal",
                                     "nvcc error",  "nvlink error", "error"};
  constexpr std::array words = {": error",   ": fatal error", ": catastrophic error",
                                "; error",   "; fatal",       ": internal error",
                                " error   :"};
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const char* word) { return line.starts_with(word); }) ||
         std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return line.find(word) != std::string::npos; });
}

std::string cap_log(std::string log) {
  if (log.size() <= kMaxLogCharacters) {
    return log;
  }
  constexpr std::size_t kRoomForNote = 120;
  std::size_t end = kMaxLogCharacters - kRoomForNote;
  if (const std::size_t line = log.rfind('\n', end); line != std::string::npos && line > end / 2) {
    end = line;
  }
  const std::size_t missing = log.size() - end;
  log.resize(end);
  return log + "\n… " + std::to_string(missing) +
         " more characters: get_job_status with section \"compile_log\"";
}

std::string bounded_log(std::string log) {
  if (log.size() > kMaxWholeLogBytes) {
    log.resize(kMaxWholeLogBytes);
    log += "\n… cut here\n";
  }
  return log;
}

std::string shorten_log(const std::string& log, const std::vector<std::string>& include_directories,
                        const std::vector<std::string>& notes) {
  std::array<Folded, kRanks> parts;
  Rank rank = kOthers;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (is_noise(line)) {
      continue;
    }
    if (begins_message(line)) {
      rank = rank_of(line);
    }
    parts[rank].add(line);
  }
  std::string text;
  for (Folded& part : parts) {
    text += part.take();
  }
  // The longest first, so that no directory is cut by one above it.
  std::vector<std::string> directories = include_directories;
  std::sort(directories.begin(), directories.end(),
            [](const auto& left, const auto& right) { return left.size() > right.size(); });
  for (const std::string& directory : directories) {
    replace_all(text, directory + "/", "");
  }
  for (const std::string& note : notes) {
    text += note + "\n";
  }
  return cap_log(std::move(text));
}

}  // namespace assay::engine
