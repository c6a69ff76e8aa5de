// SPDX-License-Identifier: Apache-2.0
// _assay_native: what the Python runner cannot do by itself. Channel (frames with descriptors),
// Memory (tensors over mapped arenas), ControlPage (waiting with the GIL released), serve_next (the
// zygote's fork).
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "engine/python/native/memory.h"
#include "engine/runner/control.h"
#include "sandbox/channel.h"
#include "sandbox/fork_server.h"
#include "sandbox/shared_memory.h"

namespace py = pybind11;

namespace assay::engine::python {
namespace {

// A failed call: (word of the error code, message). The runner turns it into an answer.
struct NativeError : std::runtime_error {
  explicit NativeError(const schemas::Error& error)
      : std::runtime_error(error.message), code(schemas::error_code_name(error.code)) {}
  std::string code;
};

template <typename T>
T value_or_throw(schemas::Result<T> result) {
  if (!result) throw NativeError(result.error());
  return std::move(result).value();
}

sandbox::UniqueFd duplicate(int fd) {
  sandbox::UniqueFd copy = sandbox::UniqueFd::duplicate_of(fd);
  if (!copy) throw py::value_error("not an open descriptor: " + std::to_string(fd));
  return copy;
}

sandbox::Deadline deadline_of(std::optional<double> seconds) {
  if (!seconds) return sandbox::no_deadline();
  return sandbox::after(std::chrono::duration_cast<sandbox::Clock::duration>(
      std::chrono::duration<double>(*seconds)));
}

class PythonChannel {
 public:
  explicit PythonChannel(int fd) : channel_(sandbox::UniqueFd(fd)) {}

  void send(const std::string& bytes, const std::vector<int>& descriptors,
            std::optional<double> timeout_seconds) {
    const py::gil_scoped_release unlocked;
    value_or_throw(channel_.send(bytes, descriptors, deadline_of(timeout_seconds)));
  }

  // (bytes, [descriptors, now the caller's]), or None when the peer closed.
  std::optional<std::pair<py::bytes, std::vector<int>>> receive(
      std::size_t max_bytes, std::optional<double> timeout_seconds) {
    std::optional<sandbox::Frame> frame;
    {
      const py::gil_scoped_release unlocked;
      frame = value_or_throw(channel_.receive(max_bytes, deadline_of(timeout_seconds)));
    }
    if (!frame) return std::nullopt;
    std::vector<int> descriptors;
    for (auto& descriptor : frame->descriptors) descriptors.push_back(descriptor.release());
    return std::pair{py::bytes(frame->bytes), std::move(descriptors)};
  }

  int fileno() const { return channel_.fd(); }
  void close() { channel_.close(); }

 private:
  sandbox::Channel channel_;
};

class PythonControl {
 public:
  explicit PythonControl(int fd) : control_(value_or_throw(runner::Control::open(duplicate(fd)))) {}

  bool wait_release(std::uint32_t window) {
    const py::gil_scoped_release unlocked;
    return control_.wait_release(window);
  }
  bool wait_slot(std::uint32_t slot, std::uint32_t window) {
    if (slot >= kMaxSlots) throw py::index_error("no slot " + std::to_string(slot));
    if (control_.slot_released(slot, window)) return true;
    const py::gil_scoped_release unlocked;
    return control_.wait_slot(slot, window);
  }
  void finish(std::uint32_t window, bool failed) { control_.finish(window, failed); }

 private:
  runner::Control control_;
};

schemas::Dtype dtype_named(const std::string& name) {
  const auto dtype = schemas::dtype_from_name(name);
  if (!dtype) throw py::value_error("unknown dtype " + name);
  return *dtype;
}

void drop_capsule(PyObject* capsule) {
  // Reached only when nobody took the tensor: a taker renames the capsule.
  if (PyCapsule_IsValid(capsule, dlpack::kCapsuleName) == 0) return;
  auto* managed =
      static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule, dlpack::kCapsuleName));
  managed->deleter(managed);
}

py::object tensor_capsule(const std::shared_ptr<Memory>& memory, std::int64_t offset,
                          const std::string& dtype, std::vector<std::int64_t> shape,
                          std::vector<std::int64_t> strides) {
  dlpack::ManagedTensor* managed = value_or_throw(
      Memory::tensor(memory, {offset, dtype_named(dtype), std::move(shape), std::move(strides)}));
  PyObject* capsule = PyCapsule_New(managed, dlpack::kCapsuleName, &drop_capsule);
  if (capsule == nullptr) {
    managed->deleter(managed);
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(capsule);
}

// A new sealed memfd that the caller owns.
int create_memory(const std::string& name, std::size_t bytes) {
  const auto memory = value_or_throw(sandbox::SharedMemory::create(name, bytes));
  return duplicate(memory.fd()).release();
}

// ("child", argument, environment) in a forked child, ("closed", reason, []) in the zygote when the
// front is gone.
std::tuple<std::string, py::bytes, std::vector<std::string>> serve_next(int channel_fd) {
  const sandbox::ForkHooks hooks{.before = [] { PyOS_BeforeFork(); },
                                 .in_zygote = [] { PyOS_AfterFork_Parent(); },
                                 .in_child = [] { PyOS_AfterFork_Child(); }};
  auto outcome = sandbox::serve_next(channel_fd, hooks);
  if (auto* task = std::get_if<sandbox::ChildTask>(&outcome))
    return {"child", py::bytes(task->argument), std::move(task->environment)};
  return {"closed", py::bytes(std::get<sandbox::Closed>(outcome).reason), {}};
}

}  // namespace
}  // namespace assay::engine::python

PYBIND11_MODULE(_assay_native, module) {
  using assay::engine::python::Memory;
  using assay::engine::python::NativeError;
  using assay::engine::python::PythonChannel;
  using assay::engine::python::PythonControl;
  namespace native = assay::engine::python;
  using assay::engine::python::value_or_throw;

  module.doc() = "Native half of the runner: channel, memory, control page, fork.";
  static PyObject* error_type =
      PyErr_NewException("_assay_native.Error", PyExc_RuntimeError, nullptr);
  module.attr("Error") = py::handle(error_type);
  // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 wants this signature
  py::register_exception_translator([](std::exception_ptr pending) {
    try {
      if (pending) std::rethrow_exception(pending);
    } catch (const NativeError& error) {
      PyErr_SetObject(error_type, py::make_tuple(error.code, error.what()).ptr());
    }
  });

  py::class_<PythonChannel>(module, "Channel", "One end of a channel; owns its descriptor.")
      .def(py::init<int>(), py::arg("fd"))
      .def("send", &PythonChannel::send, py::arg("bytes"),
           py::arg("descriptors") = std::vector<int>{}, py::arg("timeout_seconds") = py::none())
      .def("receive", &PythonChannel::receive, py::arg("max_bytes"),
           py::arg("timeout_seconds") = py::none())
      .def("fileno", &PythonChannel::fileno)
      .def("close", &PythonChannel::close);

  py::class_<Memory, std::shared_ptr<Memory>>(module, "Memory",
                                              "An arena mapped into this process.")
      .def_static(
          "map_shared",
          [](int fd, std::size_t bytes) {
            return value_or_throw(Memory::map_shared(native::duplicate(fd), bytes));
          },
          py::arg("fd"), py::arg("bytes"))
      .def_static(
          "import_cuda",
          [](int fd, std::size_t bytes, int device) {
            return value_or_throw(Memory::import_cuda(native::duplicate(fd), bytes, device));
          },
          py::arg("fd"), py::arg("bytes"), py::arg("device"))
      .def_property_readonly("bytes", &Memory::bytes)
      .def("tensor", &native::tensor_capsule, py::arg("offset"), py::arg("dtype"), py::arg("shape"),
           py::arg("strides") = std::vector<std::int64_t>{},
           "A DLPack capsule over a part of the arena.");

  py::class_<PythonControl>(module, "ControlPage", "The runner's side of the control page.")
      .def(py::init<int>(), py::arg("fd"))
      .def("wait_release", &PythonControl::wait_release, py::arg("window"))
      .def("wait_slot", &PythonControl::wait_slot, py::arg("slot"), py::arg("window"))
      .def("finish", &PythonControl::finish, py::arg("window"), py::arg("failed"));
  module.attr("MAX_SLOTS") = assay::engine::kMaxSlots;

  module.def("create_memory", &native::create_memory, py::arg("name"), py::arg("bytes"));
  module.def("serve_next", &native::serve_next, py::arg("channel_fd"));
}
