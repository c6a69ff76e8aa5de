// SPDX-License-Identifier: Apache-2.0
#include "mcp/keck.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <vector>

#include "mcp/ascii.h"

namespace assay::mcp {
namespace {

constexpr std::size_t kMaxLogLines = 10;
constexpr std::size_t kMaxPlainLines = 5;  // of a log that names no error
constexpr std::size_t kMaxLineBytes = 400;
constexpr int kKeptPathLevels = 3;
constexpr double kMillisecondsPerSecond = 1e3;

bool names_an_error(const std::string& line) {
  constexpr std::array<std::string_view, 3> words = {"error:", "failed:", "exception:"};
  const std::string text = lower_case(line);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

bool is_path_character(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 ||
         std::string_view("/._-+").find(character) != std::string_view::npos;
}

// "/a/b/c/d.h" with the last kKeptPathLevels of its levels.
std::string_view short_path(std::string_view path) {
  std::size_t begin = path.size();
  for (int level = 0; level < kKeptPathLevels && begin != 0; ++level) {
    const std::size_t slash = path.rfind('/', begin - 1);
    if (slash == std::string_view::npos) return path;
    begin = slash;
  }
  return path.substr(begin + 1);
}

std::string with_short_paths(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size();) {
    const bool begins = line[i] == '/' && (i == 0 || !is_path_character(line[i - 1]));
    if (!begins) {
      text += line[i++];
      continue;
    }
    const auto* end = std::find_if_not(line.begin() + i, line.end(), is_path_character);
    const std::string_view path(line.begin() + i, static_cast<std::size_t>(end - line.begin()) - i);
    text += short_path(path);
    i += path.size();
  }
  return text;
}

std::string shortened(std::string line) {
  line.erase(0, std::min(line.find_first_not_of(" \t\r"), line.size()));
  line = with_short_paths(line);
  if (line.size() > kMaxLineBytes) line = line.substr(0, kMaxLineBytes) + " …";
  return line;
}

// The first lines of a text that are not empty.
std::string first_lines(const std::string& text, std::size_t most,
                        bool (*wanted)(const std::string&)) {
  std::vector<std::string> kept;
  std::istringstream lines(text);
  for (std::string line; kept.size() < most && std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos || !wanted(line)) continue;
    line = shortened(std::move(line));
    if (std::find(kept.begin(), kept.end(), line) == kept.end()) kept.push_back(std::move(line));
  }
  std::string joined;
  for (const std::string& line : kept) joined += (joined.empty() ? "" : "\n") + line;
  return joined;
}

bool any_line(const std::string&) {
  return true;
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Json seconds_of(const Json& method) {
  if (!method.is_object()) return nullptr;
  return method["stats"]["median"].get<double>() / kMillisecondsPerSecond;
}

Json figures(const Json& evaluation) {
  const Json& timing = evaluation["timing"];
  return {{"torch_profile", nullptr},
          {"torch_profile_unavailable", "no profiling pass is made yet"},
          {"torch_time", seconds_of(timing["reference"])},
          {"cuda_time", seconds_of(timing["candidate"])},
          {"speedup", timing["speedup"]}};
}

// What went wrong once it had compiled.
std::string failure(const Json& evaluation, const std::string& code) {
  if (code == "timed_out") return "failed: test timed out";
  std::string why = text_at(evaluation["kernel_exec_result"], "validation_error");
  if (why.empty()) why = text_at(evaluation, "error");
  if (why.empty()) why = evaluation["verdict"].value("summary", "");
  return "failed: test error: " + first_lines(why, kMaxPlainLines, any_line);
}

}  // namespace

std::string keck_compile_log(const std::string& log) {
  std::string errors = first_lines(log, kMaxLogLines, names_an_error);
  if (!errors.empty()) return errors;
  const std::string beginning = first_lines(log, kMaxPlainLines, any_line);
  return beginning.empty() ? "empty log" : beginning;
}

Json keck_answer(const Json& evaluation, KeckTest test) {
  const std::string code = evaluation["verdict"].value("code", "");
  const Json& result = evaluation["kernel_exec_result"];
  const Json& compiled = result["compiled"];
  Json answer = {{"formated", true}, {"compiled", true}, {"passed", false}, {"msg", ""}};
  if (compiled == false) {
    answer["compiled"] = false;
    answer["msg"] =
        "failed: compilation error: " + keck_compile_log(text_at(result, "compilation_error"));
  } else if (code == "correct") {
    answer["passed"] = true;
    answer["msg"] =
        test == KeckTest::score ? figures(evaluation) : Json("#### Correctness check passed!");
  } else {
    answer["msg"] = failure(evaluation, code);
  }
  return answer;
}

Json keck_unformed(const std::string& message) {
  return {{"formated", false}, {"compiled", false}, {"passed", false}, {"msg", message}};
}

}  // namespace assay::mcp
