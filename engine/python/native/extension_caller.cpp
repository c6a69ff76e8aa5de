// SPDX-License-Identifier: Apache-2.0
// _assay_extension_caller: makes the functions of a split extension (assay_runner/split/) callable
// from Python, with pybind11's and torch's own conversions, so that no extension compiles them
// again.
//
// load(path, module) opens the library and sets its functions on the module. Types, errors and
// overloads behave as in pybind11: every overload is tried without conversions, then with them; a
// lone one with them at once.
#include <array>
#include <dlfcn.h>
#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/Exceptions.h>
#include <torch/csrc/utils/pybind.h>

#include "engine/python/assay_runner/split/assay_split_table.h"

namespace {

namespace py = pybind11;
using assay_split::Default;
using assay_split::Type;

constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kSlotBytes = 96;

// Room for one converter or one result.
struct alignas(std::max_align_t) Slot {
  std::byte bytes[kSlotBytes];
};

// What is known of one type: how an argument is read, how a result is given.
struct Conversion {
  // Constructs a converter in the slot and returns where its value lies; nullptr, and an empty
  // slot, where it does not fit.
  void* (*read)(PyObject* object, bool convert, Slot& slot) = nullptr;
  void (*release)(Slot& slot) = nullptr;
  PyObject* (*give)(Slot& slot) = nullptr;    // destroys what the slot holds
  std::string (*text)(bool given) = nullptr;  // as an argument, or as a result
};

// pybind11's text of a type has marks in it: "%" for a class, "@in@out@" for what is taken and what
// is given.
std::string plain(const char* text, bool given) {
  std::string result;
  int part = 0;
  for (; *text != '\0'; ++text) {
    if (*text == '@') {
      part = (part + 1) % 3;
    } else if (part == 0 || (part == 1) != given) {
      result += *text;
    }
  }
  return result;
}

template <typename T>
Conversion conversion() {
  using Caster = py::detail::make_caster<T>;
  static_assert(sizeof(Caster) <= kSlotBytes && sizeof(T) <= kSlotBytes);
  Conversion made;
  made.read = [](PyObject* object, bool convert, Slot& slot) -> void* {
    auto* caster = new (&slot) Caster();
    bool fits = false;
    try {
      fits = caster->load(object, convert);
    } catch (...) {
      caster->~Caster();
      throw;
    }
    if (!fits) {
      caster->~Caster();
      return nullptr;
    }
    return static_cast<void*>(std::addressof(py::detail::cast_op<T&>(*caster)));
  };
  made.release = [](Slot& slot) { std::launder(reinterpret_cast<Caster*>(&slot))->~Caster(); };
  made.give = [](Slot& slot) -> PyObject* {
    T* value = std::launder(reinterpret_cast<T*>(&slot));
    struct End {
      T* value;
      ~End() { value->~T(); }
    } end{value};
    return Caster::cast(std::move(*value), py::return_value_policy::move, {}).ptr();
  };
  made.text = [](bool given) { return plain(Caster::name.text, given); };
  return made;
}

Conversion tensor_tuple() {
  Conversion made;
  made.give = [](Slot& slot) -> PyObject* {
    auto* list = std::launder(reinterpret_cast<std::vector<at::Tensor>*>(&slot));
    std::vector<at::Tensor> values;
    values.swap(*list);
    list->~vector();
    py::tuple result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) result[i] = py::cast(std::move(values[i]));
    return result.release().ptr();
  };
  made.text = [](bool) { return std::string("tuple"); };
  return made;
}

Conversion nothing() {
  Conversion made;
  made.give = [](Slot&) -> PyObject* { return py::none().release().ptr(); };
  made.text = [](bool) { return std::string("None"); };
  return made;
}

const Conversion& conversion_of(Type type) {
  // In the order of the enumeration.
  static const std::array table = {
      nothing(),
      conversion<at::Tensor>(),
      conversion<std::optional<at::Tensor>>(),
      conversion<std::vector<at::Tensor>>(),
      conversion<bool>(),
      conversion<int>(),
      conversion<unsigned>(),
      conversion<long>(),
      conversion<unsigned long>(),
      conversion<long long>(),
      conversion<float>(),
      conversion<double>(),
      conversion<std::string>(),
      conversion<std::vector<long>>(),
      conversion<std::vector<double>>(),
      conversion<at::IntArrayRef>(),
      conversion<std::optional<long>>(),
      conversion<std::optional<double>>(),
      conversion<std::optional<bool>>(),
      conversion<at::ScalarType>(),
      conversion<at::Scalar>(),
      tensor_tuple(),
  };
  return table.at(static_cast<std::size_t>(type));
}

struct Argument {
  py::str name;      // interned
  py::object value;  // null where there is none
};

struct Overload {
  bool torch_errors = false;
  bool releases_gil = false;
  std::vector<const Conversion*> types;
  std::vector<Argument> named;
  const Conversion* result = nullptr;
  void* state = nullptr;
  void (*call)(void*, void**, void*) = nullptr;
  std::string signature;
};

struct Callable {
  std::string name;
  std::string documentation;
  std::vector<Overload> overloads;
  PyMethodDef definition{};
};

// The values of one call, released when it ends.
class Converted {
 public:
  explicit Converted(const Overload& overload) : overload_(overload) {}
  Converted(const Converted&) = delete;
  Converted& operator=(const Converted&) = delete;
  ~Converted() {
    for (std::size_t i = 0; i < count_; ++i) overload_.types[i]->release(slots_[i]);
  }

  bool add(PyObject* object, bool convert) {
    values_[count_] = overload_.types[count_]->read(object, convert, slots_[count_]);
    if (values_[count_] == nullptr) return false;
    ++count_;
    return true;
  }
  void** values() { return values_.data(); }

 private:
  const Overload& overload_;
  std::size_t count_ = 0;
  std::array<void*, kMaxArguments> values_;
  std::array<Slot, kMaxArguments> slots_;
};

PyObject* run(const Overload& overload, Converted& arguments) {
  Slot result;
  const auto call = [&] {
    if (overload.releases_gil) {
      py::gil_scoped_release released;
      overload.call(overload.state, arguments.values(), &result);
    } else {
      overload.call(overload.state, arguments.values(), &result);
    }
  };
  if (overload.torch_errors) {
    [&] {
      HANDLE_TH_ERRORS
      call();
      END_HANDLE_TH_ERRORS_PYBIND
    }();
  } else {
    call();
  }
  return overload.result->give(result);
}

// The place of a keyword among the named arguments, or -1.
Py_ssize_t place_of(const Overload& overload, PyObject* keyword) {
  for (std::size_t i = 0; i < overload.named.size(); ++i)
    if (overload.named[i].name.ptr() == keyword) return static_cast<Py_ssize_t>(i);
  for (std::size_t i = 0; i < overload.named.size(); ++i)
    if (PyUnicode_Compare(overload.named[i].name.ptr(), keyword) == 0)
      return static_cast<Py_ssize_t>(i);
  return -1;
}

bool matched(const Overload& overload, PyObject* const* given, std::size_t positional,
             PyObject* keywords, bool convert, Converted& into) {
  const std::size_t wanted = overload.types.size();
  const std::size_t keyword_count =
      keywords == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(keywords));
  if (positional > wanted || (keyword_count != 0 && overload.named.empty())) return false;
  if (keyword_count == 0 && positional == wanted) {
    for (std::size_t i = 0; i < wanted; ++i)
      if (!into.add(given[i], convert)) return false;
    return true;
  }
  if (overload.named.empty()) return false;
  std::array<PyObject*, kMaxArguments> chosen{};
  for (std::size_t i = 0; i < positional; ++i) chosen[i] = given[i];
  for (std::size_t i = 0; i < keyword_count; ++i) {
    const Py_ssize_t place =
        place_of(overload, PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i)));
    if (place < 0 || chosen[static_cast<std::size_t>(place)] != nullptr) return false;
    chosen[static_cast<std::size_t>(place)] = given[positional + i];
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    PyObject* object = chosen[i] != nullptr ? chosen[i] : overload.named[i].value.ptr();
    if (object == nullptr || !into.add(object, convert)) return false;
  }
  return true;
}

std::string not_matched(const Callable& callable, PyObject* const* given, std::size_t positional,
                        PyObject* keywords) {
  std::string text =
      callable.name +
      "(): incompatible function arguments. The following argument types are supported:\n";
  int number = 0;
  for (const Overload& overload : callable.overloads)
    text += "    " + std::to_string(++number) + ". " + overload.signature + "\n";
  text += "\nInvoked with: ";
  const auto shown = [](PyObject* object) -> std::string {
    try {
      return py::cast<std::string>(py::repr(object));
    } catch (const py::error_already_set&) {
      return "<repr raised Error>";
    }
  };
  for (std::size_t i = 0; i < positional; ++i) text += (i == 0 ? "" : ", ") + shown(given[i]);
  const std::size_t count =
      keywords == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(keywords));
  if (count != 0) text += positional == 0 ? "kwargs: " : "; kwargs: ";
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* name = PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i));
    text += (i == 0 ? "" : ", ") + py::cast<std::string>(py::handle(name)) + "=" +
            shown(given[positional + i]);
  }
  return text;
}

PyObject* invoke(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  const auto* callable = static_cast<const Callable*>(PyCapsule_GetPointer(self, nullptr));
  const auto positional = static_cast<std::size_t>(count);
  try {
    const bool alone = callable->overloads.size() == 1;
    for (const bool convert : {false, true}) {
      if (alone && !convert) continue;
      for (const Overload& overload : callable->overloads) {
        Converted arguments(overload);
        if (matched(overload, given, positional, keywords, convert, arguments))
          return run(overload, arguments);
      }
    }
    PyErr_SetString(PyExc_TypeError, not_matched(*callable, given, positional, keywords).c_str());
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

py::object default_value(const Default& value) {
  switch (value.kind) {
    case Default::Kind::absent: return {};
    case Default::Kind::none: return py::none();
    case Default::Kind::boolean: return py::bool_(value.integer != 0);
    case Default::Kind::integer: return py::int_(value.integer);
    case Default::Kind::floating: return py::float_(value.floating);
    case Default::Kind::text: return py::str(value.text);
  }
  return {};
}

std::string signature_of(const Overload& overload) {
  std::string text = "(";
  for (std::size_t i = 0; i < overload.types.size(); ++i) {
    const bool named = !overload.named.empty();
    text += (i == 0 ? "" : ", ") +
            (named ? py::cast<std::string>(overload.named[i].name) : "arg" + std::to_string(i));
    text += ": " + overload.types[i]->text(false);
    if (named && overload.named[i].value)
      text += " = " + py::cast<std::string>(py::repr(overload.named[i].value));
  }
  return text + ") -> " + overload.result->text(true);
}

struct Loading {
  std::vector<std::unique_ptr<Callable>> callables;
  std::string documentation;
  std::string problem;
};

void add_function(void* self, const assay_split::Function& function) {
  auto& loading = *static_cast<Loading*>(self);
  Overload overload;
  if (function.type_count > kMaxArguments ||
      (function.argument_count != 0 && function.argument_count != function.type_count)) {
    loading.problem = std::string(function.name) + " names some of its arguments or has too many";
    return;
  }
  overload.torch_errors = function.torch_errors;
  overload.releases_gil = function.releases_gil;
  for (std::size_t i = 0; i < function.type_count; ++i)
    overload.types.push_back(&conversion_of(function.types[i]));
  for (std::size_t i = 0; i < function.argument_count; ++i) {
    PyObject* name = PyUnicode_InternFromString(function.arguments[i].name);
    overload.named.push_back(
        {py::reinterpret_steal<py::str>(name), default_value(function.arguments[i].value)});
  }
  overload.result = &conversion_of(function.result);
  overload.state = function.state;
  overload.call = function.call;
  overload.signature = signature_of(overload);
  Callable* callable = nullptr;
  for (const auto& known : loading.callables)
    if (known->name == function.name) callable = known.get();
  if (callable == nullptr) {
    loading.callables.push_back(std::make_unique<Callable>());
    callable = loading.callables.back().get();
    callable->name = function.name;
  }
  callable->documentation += callable->name + overload.signature + "\n";
  if (function.documentation != nullptr)
    callable->documentation += std::string("\n") + function.documentation + "\n";
  callable->overloads.push_back(std::move(overload));
}

void load(const std::string& path, const py::module_& module) {
  void* library =
      ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // for good, as Python's own modules
  if (library == nullptr) throw py::import_error(::dlerror());
  using Fill = void (*)(const assay_split::Registry*);
  const auto fill = reinterpret_cast<Fill>(::dlsym(library, "assay_split_module"));
  if (fill == nullptr) throw py::import_error(path + " has no table of functions");
  Loading loading;
  const assay_split::Registry registry{&loading, &add_function, [](void* self, const char* text) {
                                         static_cast<Loading*>(self)->documentation = text;
                                       }};
  fill(&registry);
  if (!loading.problem.empty()) throw py::import_error(loading.problem);
  if (!loading.documentation.empty()) module.attr("__doc__") = loading.documentation;
  for (auto& owned : loading.callables) {
    Callable* callable = owned.release();  // lives as long as the library
    callable->definition = {callable->name.c_str(),
                            reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&invoke)),
                            METH_FASTCALL | METH_KEYWORDS, callable->documentation.c_str()};
    const py::capsule self(callable);
    const py::object name = module.attr("__name__");
    PyObject* made = PyCFunction_NewEx(&callable->definition, self.ptr(), name.ptr());
    if (made == nullptr) throw py::error_already_set();
    module.attr(callable->name.c_str()) = py::reinterpret_steal<py::object>(made);
  }
}

}  // namespace

PYBIND11_MODULE(_assay_extension_caller, module) {
  module.def("load", &load);
}
