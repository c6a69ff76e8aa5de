// SPDX-License-Identifier: Apache-2.0
// assay-runner on a GPU: the judge's side is played here with exported memory and a control page.
// Kernels are PTX, which the driver takes in place of a cubin.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "engine/control_page.h"
#include "engine/cuda/device.h"
#include "engine/cuda/memory.h"
#include "sandbox/channel.h"
#include "sandbox/shared_memory.h"
#include "schemas/json_reader.h"
#include "schemas/worker_message.h"

namespace {

namespace cuda = assay::engine::cuda;
namespace engine = assay::engine;
namespace sandbox = assay::sandbox;
namespace schemas = assay::schemas;
using schemas::Json;

constexpr auto kAnswer = std::chrono::seconds(60);
constexpr std::int64_t kElements = 1 << 16;
constexpr std::int64_t kSlots = 32;

// y[i] = x[i] * scale + n for i < count; `bad` writes through a null pointer; `forever` does not
// end.
const char* const kPtx = R"ptx(
.version 7.0
.target sm_75
.address_size 64
.visible .entry affine(.param .u64 x, .param .u64 y, .param .u32 count, .param .f32 scale, .param .u64 n, .param .u8 flag)
{
    .reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<5>; .reg .b64 %rd<9>;
    ld.param.u64 %rd1, [x]; ld.param.u64 %rd2, [y];
    ld.param.u32 %r1, [count]; ld.param.f32 %f1, [scale]; ld.param.u64 %rd3, [n];
    mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.u32 %p1, %r5, %r1;
    @%p1 bra END;
    cvta.to.global.u64 %rd4, %rd1; cvta.to.global.u64 %rd5, %rd2;
    mul.wide.u32 %rd6, %r5, 4;
    add.s64 %rd7, %rd4, %rd6; add.s64 %rd8, %rd5, %rd6;
    ld.global.f32 %f2, [%rd7];
    cvt.rn.f32.s64 %f3, %rd3;
    fma.rn.f32 %f4, %f2, %f1, %f3;
    st.global.f32 [%rd8], %f4;
END:
    ret;
}
.visible .entry bad(.param .u64 x, .param .u64 y)
{
    .reg .b32 %r<2>; .reg .b64 %rd<2>;
    mov.u64 %rd1, 16; mov.u32 %r1, 1;
    st.global.u32 [%rd1], %r1;
    ret;
}
)ptx";

constexpr int kSkipped = 77;

// Every case here needs a GPU: without one the whole program is skipped.
void need_gpu() {
  if (::access("/dev/nvidiactl", F_OK) == 0) return;
  std::puts("skipped: no GPU here");
  std::exit(kSkipped);
}

// The judge's device.
struct Gpu {
  cuda::PrimaryContext context;
  static Gpu open() {
    auto driver = cuda::Driver::open();
    REQUIRE(driver.ok());
    REQUIRE((*driver)->initialize().ok());
    auto device = cuda::find_device(**driver, 0, "");
    REQUIRE(device.ok());
    auto context = cuda::PrimaryContext::retain(*driver, *device);
    REQUIRE(context.ok());
    return {std::move(context).value()};
  }
  cuda::MappedMemory allocate(std::int64_t bytes) {
    auto memory = cuda::MappedMemory::allocate(context.driver_pointer(), context.device(),
                                               static_cast<std::size_t>(bytes));
    REQUIRE(memory.ok());
    return std::move(memory).value();
  }
  void write(const cuda::MappedMemory& memory, const std::vector<float>& values) {
    const auto& call = context.driver().call;
    REQUIRE(call.memcpy_htod_async(memory.address(), values.data(), values.size() * 4, nullptr) ==
            CUDA_SUCCESS);
    REQUIRE(call.ctx_synchronize() == CUDA_SUCCESS);
  }
  std::vector<float> read(const cuda::MappedMemory& memory, std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    const auto& call = context.driver().call;
    REQUIRE(call.memcpy_dtoh_async(values.data(), memory.address(), values.size() * 4, nullptr) ==
            CUDA_SUCCESS);
    REQUIRE(call.ctx_synchronize() == CUDA_SUCCESS);
    return values;
  }
};

class Runner {
 public:
  Runner() {
    auto ends = sandbox::Channel::pair();
    REQUIRE(ends.ok());
    channel_ = std::move(ends->first);
    const std::string path = std::string(std::getenv("ASSAY_BUILD_DIR")) + "/bin/assay-runner";
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(ends->second.fd(), 9);
      ::execl(path.c_str(), "assay-runner", "--channel-fd", "9", nullptr);
      ::_exit(127);
    }
    auto page = sandbox::SharedMemory::create("control", engine::kControlPageBytes);
    REQUIRE(page.ok());
    page_memory_ = std::move(page).value();
    auto mapping = page_memory_.map(sandbox::Access::read_write);
    REQUIRE(mapping.ok());
    mapping_ = std::move(mapping).value();
    page_ = new (mapping_.data()) engine::ControlPage{};
    page_->magic = engine::kControlPageMagic;
    page_->version = engine::kControlPageVersion;
  }
  ~Runner() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Json receive() {
    auto frame = channel_.receive(schemas::kMaxUntrustedFrameBytes, sandbox::after(kAnswer));
    REQUIRE(frame.ok());
    REQUIRE(frame->has_value());
    return *schemas::parse_json((*frame)->bytes);
  }
  Json ask(const Json& request, const std::vector<int>& descriptors = {}) {
    REQUIRE(channel_.send(request.dump(), descriptors, sandbox::after(kAnswer)).ok());
    return receive();
  }
  Json ok(const Json& request, const std::vector<int>& descriptors = {}) {
    Json answer = ask(request, descriptors);
    INFO(answer.dump());
    REQUIRE(answer.at("ok") == true);
    return answer;
  }
  Json prepare() {
    return ok({{"op", "prepare"}, {"device", {{"kind", "cuda"}, {"index", 0}, {"uuid", ""}}}});
  }
  Json load(const Json& arguments, const std::string& name, const Json& launch) {
    auto image = sandbox::SharedMemory::create("cubin", std::string_view(kPtx).size());
    REQUIRE(image.ok());
    REQUIRE(image->write(0, kPtx, std::string_view(kPtx).size()).ok());
    return ask({{"op", "load"},
                {"role", "candidate"},
                {"seed", 1},
                {"kernel_name", name},
                {"kernel",
                 {{"source_code", "ptx"},
                  {"kernel_type", "cuda"},
                  {"io", {{"args", arguments}, {"launch", launch}}}}}},
               {image->fd()});
  }
  Json bind(const Json& arguments, const Json& outputs, const cuda::MappedMemory& in,
            const cuda::MappedMemory& out, std::int64_t in_bytes, std::int64_t out_bytes) {
    const auto in_fd = in.export_descriptor(), out_fd = out.export_descriptor();
    REQUIRE(in_fd.ok());
    REQUIRE(out_fd.ok());
    const sandbox::UniqueFd in_owner(*in_fd), out_owner(*out_fd);
    return ask({{"op", "bind"},
                {"slots", kSlots},
                {"arguments", arguments},
                {"outputs", outputs},
                {"input_bytes", in_bytes},
                {"output_bytes", out_bytes}},
               {page_memory_.fd(), *in_fd, *out_fd});
  }
  // {ready, last frame} of a pass over all slots.
  std::pair<Json, Json> pass(const char* kind, const char* mode, std::int64_t warmup,
                             std::int64_t calls = kSlots) {
    ++window_;
    Json slots = Json::array();
    for (std::int64_t slot = 0; slot < calls; ++slot) slots.push_back(slot);
    const Json ready = ok({{"op", "pass"},
                           {"kind", kind},
                           {"window", window_},
                           {"slots", slots},
                           {"mode", mode},
                           {"warmup", warmup},
                           {"tf32", false}});
    for (std::int64_t slot = 0; slot < kSlots; ++slot) page_->slot_release[slot].store(window_);
    page_->release.store(window_);
    engine::control_wake(page_->release);
    const Json last = receive();
    CHECK(page_->done.load() == window_);
    return {ready, last};
  }

 private:
  sandbox::Channel channel_;
  pid_t pid_ = -1;
  sandbox::SharedMemory page_memory_;
  sandbox::Mapping mapping_;
  engine::ControlPage* page_ = nullptr;
  std::uint32_t window_ = 0;
};

Json tensor_argument(const char* name, const char* role) {
  return {{"name", name},
          {"type", "tensor"},
          {"role", role},
          {"tensor_spec", {{"shape", {kElements}}, {"dtype", "float32"}}}};
}
Json scalar_argument(const char* name, const char* type, const Json& value) {
  return {{"name", name}, {"type", type}, {"value", value}};
}
Json binding(const char* role, const char* arena) {
  return {{"kind", "tensor"}, {"role", role}, {"dtype", "float32"},     {"shape", {kElements}},
          {"arena", arena},   {"offset", 0},  {"stride", kElements * 4}};
}
const Json kLaunch = {{"grid", {{"x", kElements / 256}}}, {"block", {{"x", 256}}}};

Json affine_arguments() {
  return Json::array({tensor_argument("x", "input"), tensor_argument("y", "output"),
                      scalar_argument("count", "int", kElements),
                      scalar_argument("scale", "float", 2.0), scalar_argument("n", "int", 3),
                      scalar_argument("flag", "bool", true)});
}
Json affine_bindings() {
  return Json::array({binding("input", "input"),
                      binding("output", "output"),
                      {{"kind", "int"}, {"value", kElements}},
                      {{"kind", "float"}, {"value", 2.0}},
                      {{"kind", "int"}, {"value", 3}},
                      {{"kind", "bool"}, {"value", true}}});
}

}  // namespace

TEST_CASE("every mode computes every slot and gives times") {
  need_gpu();
  Gpu gpu = Gpu::open();
  const std::int64_t count = kElements * kSlots;
  const cuda::MappedMemory in = gpu.allocate(count * 4), out = gpu.allocate(count * 4);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1021);
  gpu.write(in, values);

  Runner runner;
  runner.prepare();
  const Json loaded = runner.load(affine_arguments(), "affine", kLaunch);
  INFO(loaded.dump());
  REQUIRE(loaded.at("ok") == true);
  CHECK(loaded.at("resources").at("registers") > 0);
  const Json outputs = Json::array({binding("output", "output")});
  const Json bound = runner.bind(affine_bindings(), outputs, in, out, count * 4, count * 4);
  INFO(bound.dump());
  REQUIRE(bound.at("ok") == true);
  const Json probed = runner.ok({{"op", "probe"}, {"slot", 3}});
  CHECK(probed.at("outputs") ==
        Json::array({{{"dtype", "float32"}, {"shape", {kElements}}, {"strides", {1}}}}));
  CHECK(probed.at("elapsed_ns") > 0);

  for (const char* const mode : {"check", "stream", "graph", "events"}) {
    gpu.write(out, std::vector<float>(static_cast<std::size_t>(count), -1.0F));
    const bool check = std::string(mode) == "check";
    const auto [ready, last] = runner.pass(check ? "check" : "time", check ? "stream" : mode, 2);
    INFO(ready.dump() << last.dump());
    REQUIRE(last.at("ok") == true);
    CHECK(last.at("mode") == (check ? "stream" : mode));
    const auto& calls = last.at("calls_ns");
    CHECK(calls.size() == (std::string(mode) == "graph" ? 1 : kSlots));
    for (const Json& each : calls) CHECK(each > 0);
    std::vector<std::int64_t> sorted = calls.get<std::vector<std::int64_t>>();
    std::sort(sorted.begin(), sorted.end());
    std::printf("%s: median %.2f us\n", mode, static_cast<double>(sorted[sorted.size() / 2]) / 1e3);
    if (std::string(mode) == "events") CHECK(last.at("blocking_gave_up") == false);
    const std::vector<float> got = gpu.read(out, count);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < got.size(); ++i) wrong += got[i] != values[i] * 2.0F + 3.0F;
    CHECK(wrong == 0);
  }
}

TEST_CASE("an empty window launches nothing in any mode") {
  need_gpu();
  Gpu gpu = Gpu::open();
  const std::int64_t bytes = kElements * kSlots * 4;
  const cuda::MappedMemory in = gpu.allocate(bytes), out = gpu.allocate(bytes);
  Runner runner;
  runner.prepare();
  REQUIRE(runner.load(affine_arguments(), "affine", kLaunch).at("ok") == true);
  const Json outputs = Json::array({binding("output", "output")});
  REQUIRE(runner.bind(affine_bindings(), outputs, in, out, bytes, bytes).at("ok") == true);
  gpu.write(out, std::vector<float>(kElements, -1.0F));
  for (const char* const mode : {"stream", "graph", "events"}) {
    const auto [ready, last] = runner.pass("time", mode, 2, 0);
    CHECK(last.at("ok") == true);
    CHECK(last.at("calls_ns") == Json::array());
  }
  CHECK(gpu.read(out, 1).front() == -1.0F);
}

TEST_CASE("contracts that do not fit the kernel are told apart") {
  need_gpu();
  Runner runner;
  runner.prepare();
  const auto message = [&](const Json& arguments, const std::string& name, const Json& launch) {
    const Json answer = runner.load(arguments, name, launch);
    INFO(answer.dump());
    REQUIRE(answer.at("ok") == false);
    CHECK(answer.at("error").at("kind") == "contract");
    return answer.at("error").at("message").get<std::string>();
  };
  CHECK(message(affine_arguments(), "missing", kLaunch) == "the cubin has no kernel \"missing\"");
  Json fewer = affine_arguments();
  fewer.erase(5);
  CHECK(message(fewer, "affine", kLaunch) ==
        "the kernel \"affine\" takes 6 parameters, the contract has 5 arguments (x, y, count, "
        "scale, n)");
  Json swapped = affine_arguments();
  std::swap(swapped[1], swapped[2]);
  CHECK(message(swapped, "affine", kLaunch)
            .find("tensor \"y\" is a pointer of 8 bytes, but parameter 2") != std::string::npos);
  Json large = affine_arguments();
  large[2]["value"] = 5'000'000'000;
  CHECK(message(large, "affine", kLaunch).find("\"count\" is 5000000000") != std::string::npos);
  const Json shared = {{"grid", {{"x", 1}}}, {"block", {{"x", 32}}}, {"shared_mem", 1 << 20}};
  CHECK(message(affine_arguments(), "affine", shared).find("launch.shared_mem") !=
        std::string::npos);
  const Json opted = {{"grid", {{"x", 1}}}, {"block", {{"x", 32}}}, {"shared_mem", 64 << 10}};
  CHECK(runner.load(affine_arguments(), "affine", opted).at("ok") == true);  // more than 48 KiB
}

TEST_CASE("an illegal access is a CUDA error with its name") {
  need_gpu();
  Gpu gpu = Gpu::open();
  const std::int64_t bytes = kElements * kSlots * 4;
  const cuda::MappedMemory in = gpu.allocate(bytes), out = gpu.allocate(bytes);
  Runner runner;
  runner.prepare();
  const Json arguments =
      Json::array({tensor_argument("x", "input"), tensor_argument("y", "output")});
  REQUIRE(runner.load(arguments, "bad", kLaunch).at("ok") == true);
  const Json bindings = Json::array({binding("input", "input"), binding("output", "output")});
  REQUIRE(runner.bind(bindings, Json::array({binding("output", "output")}), in, out, bytes, bytes)
              .at("ok") == true);
  const auto [ready, last] = runner.pass("check", "stream", 0);
  CHECK(last.at("ok") == false);
  CHECK(last.at("error").at("kind") == "cuda");
  CHECK(last.at("error").at("type") == "CUDA_ERROR_ILLEGAL_ADDRESS");
}

TEST_CASE("memory beyond the arena is refused before anything is launched") {
  need_gpu();
  Gpu gpu = Gpu::open();
  const std::int64_t bytes = kElements * kSlots * 4;
  const cuda::MappedMemory in = gpu.allocate(bytes), out = gpu.allocate(bytes);
  Runner runner;
  runner.prepare();
  REQUIRE(runner.load(affine_arguments(), "affine", kLaunch).at("ok") == true);
  Json bindings = affine_bindings();
  bindings[0]["offset"] = 4;
  const Json refused = runner.bind(bindings, Json::array(), in, out, bytes, bytes);
  CHECK(refused.at("ok") == false);
  CHECK(refused.at("error").at("kind") == "protocol");
}
