// SPDX-License-Identifier: Apache-2.0
#include "tools/answer_budget.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace assay::tools {
namespace {

enum class Keep { end, both_ends, first };  // of texts, of texts, of lists

struct Part {
  const char* path;  // into an evaluation; * stands for each element
  Keep keep;
};

// In the order in which they are cut: what the processes said, what compilers said (whole in the
// compile log), the errors, the long lists.
constexpr std::array kParts = {
    Part{"log_tail", Keep::end},
    Part{"process_ends/*/output_tail", Keep::end},
    Part{"compile/*/log", Keep::both_ends},
    Part{"kernel_exec_result/compilation_error", Keep::both_ends},
    Part{"kernel_exec_result/validation_error", Keep::both_ends},
    Part{"compilation_error", Keep::both_ends},
    Part{"validation_error", Keep::both_ends},
    Part{"error", Keep::both_ends},
    Part{"verdict/summary", Keep::both_ends},
    Part{"verdict/next_step", Keep::both_ends},
    Part{"checks/tolerances", Keep::first},
    Part{"io_contract/args", Keep::first},
    Part{"checks/seeds", Keep::first},
    Part{"autotune/*/trials", Keep::first},
    Part{"extra_shapes", Keep::first},
    Part{"compile/*/kernels", Keep::first},
    Part{"process_ends", Keep::first},
    Part{"warnings", Keep::first},
};

// How much of a part is kept; all parts are cut to one before any is cut to the next.
struct Size {
  std::size_t text_bytes;  // as written
  std::size_t elements;
};
constexpr std::array kSizes = {Size{4'000, 32}, Size{2'000, 16}, Size{1'000, 8}, Size{300, 3}};

// What is never left out altogether.
constexpr std::array<std::string_view, 10> kEssential = {
    "summary",   "status", "job_id", "verdict", "error",
    "retryable", "next",   "result", "code",    "shortened"};

constexpr std::size_t kSummaryBytes = 2'500;

bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Bytes that a byte of valid UTF-8 takes in a JSON string.
std::size_t written_bytes(char byte) {
  if (byte == '"' || byte == '\\' || (byte >= '\b' && byte <= '\r' && byte != '\v')) return 2;
  return byte >= 0 && byte < ' ' ? 6 : 1;
}

std::string head_of(std::string_view text, std::size_t most_written) {
  std::size_t end = 0, written = 0;
  while (end < text.size() && (written += written_bytes(text[end])) <= most_written) ++end;
  while (end > 0 && end < text.size() && is_inside_character(text[end])) --end;
  return std::string(text.substr(0, end));
}

std::string tail_of(std::string_view text, std::size_t most_written) {
  std::size_t begin = text.size(), written = 0;
  while (begin > 0 && (written += written_bytes(text[begin - 1])) <= most_written) --begin;
  while (begin < text.size() && is_inside_character(text[begin])) ++begin;
  return std::string(text.substr(begin));
}

// The text with invalid UTF-8 replaced, as it goes out.
std::string valid(const std::string& text) {
  return Json::parse(schemas::dump_json(text)).get<std::string>();
}

std::string cut_text(const std::string& given, Keep keep, std::size_t most_written) {
  const std::string text = valid(given);
  const std::string head =
      keep == Keep::both_ends ? head_of(text, most_written / 2) : std::string();
  const std::string tail = tail_of(text, most_written - most_written / 2);
  return fmt::format("{}… ({} bytes left out) …{}", head, text.size() - head.size() - tail.size(),
                     tail);
}

using Use = std::function<void(const Json& whole, Json& shown)>;

// Every value at the path, in the whole document and in the one that is shown.
void visit(const Json& whole, Json& shown, std::string_view path, const Use& use) {
  if (path.empty()) return use(whole, shown);
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string key(path.substr(0, slash));
  path.remove_prefix(std::min(slash + 1, path.size()));
  if (key == "*" && whole.is_array()) {
    const std::size_t count = std::min(whole.size(), shown.size());
    for (std::size_t i = 0; i < count; ++i) visit(whole[i], shown[i], path, use);
  } else if (whole.is_object() && whole.contains(key)) {
    visit(whole[key], shown[key], path, use);
  }
}

// "process_ends/*/output_tail" as readers write it: "process_ends[].output_tail".
std::string shown_path(std::string path) {
  for (std::size_t at = 0; (at = path.find("/*")) != std::string::npos;) path.replace(at, 2, "[]");
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

class Shortening {
 public:
  explicit Shortening(Json& document) : document_(document), whole_(document) {
    evaluations_.push_back({"", &whole_, &document_});
    // A job's document has the evaluation within.
    if (document_.contains("result") && document_["result"].is_object())
      evaluations_.push_back({"result/", &whole_["result"], &document_["result"]});
  }

  std::string run() {
    for (const Place& place : evaluations_) cut_summary(*place.shown);
    for (const Size& size : kSizes) {
      for (const Part& part : kParts) {
        bool changed = false;
        for (const Place& place : evaluations_) changed = cut(part, size, place) || changed;
        if (changed && fits()) return text_;
      }
    }
    while (!fits() &&
           std::any_of(evaluations_.rbegin(), evaluations_.rend(),
                       [this](const Place& place) { return leave_out_largest(place); })) {
    }
    return text_;
  }

 private:
  struct Place {
    std::string prefix;  // of its paths
    const Json* whole;
    Json* shown;
  };

  bool fits() {
    mark();
    text_ = schemas::dump_json(document_);
    return text_.size() <= kMaxAnswerBytes;
  }

  static void cut_summary(Json& shown) {
    const auto summary = shown.find("summary");
    if (summary != shown.end() && summary->is_string() &&
        schemas::dump_json(*summary).size() > kSummaryBytes + 2)
      *summary = cut_text(summary->get<std::string>(), Keep::both_ends, kSummaryBytes);
  }

  // False when there is nothing to cut.
  bool cut(const Part& part, const Size& size, const Place& place) {
    bool changed = false;
    visit(*place.whole, *place.shown, part.path, [&](const Json& all, Json& some) {
      if (part.keep == Keep::first && all.is_array() && all.size() > size.elements) {
        some = Json(Json::array_t(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                   some.size(), size.elements))));
        cuts_[place.prefix + part.path] =
            fmt::format("the first {} of {}", size.elements, all.size());
        changed = true;
      } else if (part.keep != Keep::first && all.is_string() &&
                 schemas::dump_json(all).size() > size.text_bytes + 2) {
        some = cut_text(all.get<std::string>(), part.keep, size.text_bytes);
        cuts_[place.prefix + part.path] =
            part.keep == Keep::end ? "its end" : "its beginning and end";
        changed = true;
      }
    });
    return changed;
  }

  // False when only what is essential is left.
  bool leave_out_largest(const Place& place) {
    Json& shown = *place.shown;
    std::string largest;
    std::size_t most = 0;
    for (const auto& [key, value] : shown.items()) {
      if (std::find(kEssential.begin(), kEssential.end(), key) != kEssential.end()) continue;
      const std::size_t bytes = schemas::dump_json(value).size();
      if (bytes > most) most = bytes, largest = key;
    }
    if (most == 0) return false;
    shown.erase(largest);
    const std::string path = place.prefix + largest;
    std::erase_if(cuts_, [&](const auto& cut) {
      return cut.first == path || cut.first.starts_with(path + "/");
    });
    cuts_[path] = "left out";
    return true;
  }

  void mark() {
    Json parts = Json::array();
    for (const auto& [path, what] : cuts_) parts.push_back(shown_path(path) + ": " + what);
    document_["shortened"] = {{"parts", std::move(parts)}};
    const std::string job_id = document_.value("job_id", "");
    if (job_id.empty()) return;
    document_["shortened"]["whole_at"] = fmt::format(
        "resource assay://job/{}/report; what compilers said: get_job_status with section "
        "\"compile_log\"",
        job_id);
  }

  Json& document_;
  Json whole_;
  std::vector<Place> evaluations_;
  std::map<std::string, std::string> cuts_;  // by path: what is left of it
  std::string text_;
};

}  // namespace

std::string fit_answer(Json& document) {
  std::string text = schemas::dump_json(document);
  return text.size() <= kMaxAnswerBytes || !document.is_object() ? text
                                                                 : Shortening(document).run();
}

}  // namespace assay::tools
