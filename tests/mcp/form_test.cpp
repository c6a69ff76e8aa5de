// SPDX-License-Identifier: Apache-2.0
#include "mcp/form.h"

#include <catch2/catch.hpp>

namespace {

using assay::mcp::FormFields;
using assay::mcp::is_form_type;
using assay::mcp::read_form;

constexpr const char* kUrlEncoded = "application/x-www-form-urlencoded";

FormFields fields_of(const std::string& type, const std::string& body) {
  const auto fields = read_form(type, body);
  REQUIRE(fields.ok());
  return *fields;
}

TEST_CASE("urlencoded fields are decoded") {
  CHECK(fields_of(kUrlEncoded, "a=1&b=x%2By+z%0A%e2%82%ac") ==
        FormFields{{"a", "1"}, {"b", "x+y z\n€"}});
  CHECK(fields_of("Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=b=c") ==
        FormFields{{"a", "b=c"}});
  CHECK(fields_of(kUrlEncoded, "a=1&a=2&&c&=") == FormFields{{"", ""}, {"a", "2"}, {"c", ""}});
  CHECK(fields_of(kUrlEncoded, "a=100%&b=%zz&c=%4") ==
        FormFields{{"a", "100%"}, {"b", "%zz"}, {"c", "%4"}});
  CHECK(fields_of(kUrlEncoded, "").empty());
}

TEST_CASE("a large urlencoded field is read whole") {
  const std::string large(1 << 20, 'x');
  CHECK(fields_of(kUrlEncoded, "a=" + large).at("a") == large);
}

TEST_CASE("multipart fields keep their bytes") {
  const std::string bytes("\xff\0z--xyz--", 10);
  const std::string body =
      "preamble\r\n--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
      "line\r\n--xy\r\n--xyzz\r\n--xyz-\r\n\r\n--xyz \t\r\n"
      "content-type: text/plain\r\nCONTENT-DISPOSITION: form-data; filename=\"n;o\"; "
      "name=\"b\\\"q\"\r\n\r\n\r\n--xyz\r\nContent-Disposition: form-data; name=plain\r\n\r\n" +
      bytes + "\r\n--xyz--\r\nepilogue";
  const FormFields fields = fields_of("multipart/form-data; charset=utf-8; boundary=xyz", body);
  CHECK(fields.at("a") == "line\r\n--xy\r\n--xyzz\r\n--xyz-\r\n");
  CHECK(fields.at("b\"q").empty());
  CHECK(fields.at("plain") == bytes);
  CHECK(fields.size() == 3);
  CHECK(fields_of("Multipart/Form-Data; Boundary=\"x y\"",
                  "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x y--") ==
        FormFields{{"a", "1"}});
  CHECK(fields_of("multipart/form-data; boundary=b", "--b--\r\n").empty());
}

TEST_CASE("what is no multipart form is refused") {
  const std::string part = "Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
  const auto refused = [](const std::string& type, const std::string& body) {
    const auto fields = read_form(type, body);
    INFO(body);
    CHECK_FALSE(fields.ok());
  };
  refused("multipart/form-data", "--b\r\n" + part + "--b--\r\n");
  refused("multipart/form-data; boundary=", "--b\r\n" + part + "--b--\r\n");
  refused("multipart/form-data; boundary=\"b", "--b\r\n" + part + "--b--\r\n");
  refused("multipart/form-data; boundary=" + std::string(71, 'b'), "");
  refused("multipart/form-data; boundary=b", "");
  refused("multipart/form-data; boundary=b", "--b\r\n" + part);
  refused("multipart/form-data; boundary=b", "--b\r\n" + part + "--b\r\n");
  refused("multipart/form-data; boundary=b", "--b\r\nContent-Type: x\r\n\r\n1\r\n--b--");
  refused("multipart/form-data; boundary=b", "--b\r\n\r\n1\r\n--b--");
  refused(
      "multipart/form-data; boundary=b",
      "--b\r\nX: " + std::string(assay::mcp::kMaxPartHeaderBytes, 'x') + "\r\n" + part + "--b--");
  std::string many, parts;
  for (std::size_t i = 0; i <= assay::mcp::kMaxFormFields; ++i) {
    many += "f" + std::to_string(i) + "=&";
    parts += "--b\r\nContent-Disposition: form-data; name=f" + std::to_string(i) + "\r\n\r\n\r\n";
  }
  refused(kUrlEncoded, many);
  refused("multipart/form-data; boundary=b", parts + "--b--");
}

TEST_CASE("only the two types are forms") {
  CHECK(is_form_type(kUrlEncoded));
  CHECK(is_form_type(" MULTIPART/form-data;boundary=x"));
  CHECK_FALSE(is_form_type("application/json"));
  CHECK_FALSE(is_form_type("multipart/form-dataX"));
  CHECK_FALSE(is_form_type(""));
  CHECK(fields_of("application/json", "a=1").empty());
}

}  // namespace
