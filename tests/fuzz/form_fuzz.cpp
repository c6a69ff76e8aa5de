// SPDX-License-Identifier: Apache-2.0
// Any bytes as a form: the reader answers with fields within its bounds or with an error, and
// fields that are written as a form again are read as they were.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mcp/form.h"

using assay::mcp::FormFields;
using assay::mcp::read_form;

namespace {

constexpr const char* kUrlEncoded = "application/x-www-form-urlencoded";

std::string encoded(const FormFields& fields) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto escape = [&](const std::string& text) {
    std::string plain;
    for (const char character : text) {
      const auto byte = static_cast<unsigned char>(character);
      plain += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return plain;
  };
  std::string body;
  for (const auto& [name, value] : fields) body += escape(name) + "=" + escape(value) + "&";
  return body;
}

void check(std::string_view type, std::string_view body) {
  const auto fields = read_form(type, body);
  if (!fields) {
    if (fields.error().message.empty()) std::abort();
    return;
  }
  if (fields->size() > assay::mcp::kMaxFormFields) std::abort();
  const auto again = read_form(kUrlEncoded, encoded(*fields));
  if (!again || *again != *fields) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(kUrlEncoded, input);
  check("multipart/form-data; boundary=b", input);
  const std::size_t line = input.find('\n');
  if (line != std::string_view::npos) check(input.substr(0, line), input.substr(line + 1));
  return 0;
}
