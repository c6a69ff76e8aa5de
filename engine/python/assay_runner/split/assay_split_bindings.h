// SPDX-License-Identifier: Apache-2.0
// The part of pybind11 that plain bindings use, as a table for the precompiled caller. What is not
// here does not compile, and the extension is built with pybind11 itself.
#pragma once

#include <assay_split_table.h>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace assay_split {

template <typename T>
struct TypeOf;  // defined for what the caller converts
#define ASSAY_SPLIT_TYPE(type, value)          \
  template <>                                  \
  struct TypeOf<type> {                        \
    static constexpr Type kType = Type::value; \
  }
ASSAY_SPLIT_TYPE(void, nothing);
ASSAY_SPLIT_TYPE(at::Tensor, tensor);
ASSAY_SPLIT_TYPE(std::optional<at::Tensor>, optional_tensor);
ASSAY_SPLIT_TYPE(std::vector<at::Tensor>, tensors);
ASSAY_SPLIT_TYPE(bool, boolean);
ASSAY_SPLIT_TYPE(int, int32);
ASSAY_SPLIT_TYPE(unsigned, uint32);
ASSAY_SPLIT_TYPE(long, int64);
ASSAY_SPLIT_TYPE(unsigned long, uint64);
ASSAY_SPLIT_TYPE(long long, long_long);
ASSAY_SPLIT_TYPE(float, float32);
ASSAY_SPLIT_TYPE(double, float64);
ASSAY_SPLIT_TYPE(std::string, string);
ASSAY_SPLIT_TYPE(std::vector<long>, int64s);
ASSAY_SPLIT_TYPE(std::vector<double>, doubles);
ASSAY_SPLIT_TYPE(at::IntArrayRef, int_array);
ASSAY_SPLIT_TYPE(std::optional<long>, optional_int64);
ASSAY_SPLIT_TYPE(std::optional<double>, optional_double);
ASSAY_SPLIT_TYPE(std::optional<bool>, optional_boolean);
ASSAY_SPLIT_TYPE(at::ScalarType, scalar_type);
ASSAY_SPLIT_TYPE(at::Scalar, scalar);
#undef ASSAY_SPLIT_TYPE

// A mutable reference would have to be written back for numbers: only tensors may be one.
template <typename A>
inline constexpr bool kTakeable =
    !std::is_lvalue_reference_v<A> || std::is_const_v<std::remove_reference_t<A>> ||
    std::is_same_v<std::remove_reference_t<A>, at::Tensor>;

template <typename R>
struct Result {
  static_assert(!std::is_reference_v<R> && !std::is_same_v<R, at::IntArrayRef>,
                "a view of what is gone");
  static constexpr Type kType = TypeOf<R>::kType;
  static void keep(void* place, R&& value) { new (place) R(std::move(value)); }
};
template <typename... T>
struct TensorTuple {
  static_assert((std::is_same_v<T, at::Tensor> && ...), "tuples of tensors alone are converted");
  static constexpr Type kType = Type::tensor_tuple;
  template <typename Tuple>
  static void keep(void* place, Tuple&& value) {
    auto* list = new (place) std::vector<at::Tensor>();
    std::apply([&](auto&&... item) { (list->push_back(std::move(item)), ...); }, std::move(value));
  }
};
template <typename... T>
struct Result<std::tuple<T...>> : TensorTuple<T...> {};
template <typename A, typename B>
struct Result<std::pair<A, B>> : TensorTuple<A, B> {};

template <typename Callable, typename R, typename... A>
struct Thunk {
  static_assert((kTakeable<A> && ...), "a reference that is written to");
  template <std::size_t... I>
  static void call(void* state, void** arguments, void* result, std::index_sequence<I...>) {
    auto& callable = *static_cast<Callable*>(state);
    (void)arguments;
    if constexpr (std::is_void_v<R>) {
      callable(static_cast<A&&>(
          *static_cast<std::remove_cv_t<std::remove_reference_t<A>>*>(arguments[I]))...);
    } else {
      Result<std::remove_cv_t<R>>::keep(
          result,
          callable(static_cast<A&&>(
              *static_cast<std::remove_cv_t<std::remove_reference_t<A>>*>(arguments[I]))...));
    }
  }
  static void run(void* state, void** arguments, void* result) {
    call(state, arguments, result, std::index_sequence_for<A...>());
  }
  static Function described(Callable callable) {
    static constexpr Type kTypes[] = {
        TypeOf<std::remove_cv_t<std::remove_reference_t<A>>>::kType..., Type::nothing};
    Function function;
    function.types = kTypes;
    function.type_count = sizeof...(A);
    if constexpr (std::is_void_v<R>) {
      function.result = Type::nothing;
    } else {
      function.result = Result<std::remove_cv_t<R>>::kType;
    }
    function.state = new Callable(std::move(callable));
    function.call = &run;
    return function;
  }
};

template <typename R, typename... A>
Function describe(R (*callable)(A...)) {
  return Thunk<R (*)(A...), R, A...>::described(callable);
}
template <typename Callable, typename R, typename Class, typename... A>
Function describe_object(Callable callable, R (Class::*)(A...) const) {
  return Thunk<Callable, R, A...>::described(std::move(callable));
}
template <typename Callable, typename R, typename Class, typename... A>
Function describe_object(Callable callable, R (Class::*)(A...)) {
  return Thunk<Callable, R, A...>::described(std::move(callable));
}
template <typename Callable, typename = decltype(&Callable::operator())>
Function describe(Callable callable) {
  return describe_object(std::move(callable), &Callable::operator());
}

template <typename Callable, bool releases_gil>
struct Wrapped {
  Callable callable;
};
template <typename Callable, bool releases_gil>
Function describe(Wrapped<Callable, releases_gil> wrapped) {
  Function function = describe(std::move(wrapped.callable));
  function.torch_errors = true;
  function.releases_gil = releases_gil;
  return function;
}

}  // namespace assay_split

namespace torch {
template <typename F>
auto wrap_pybind_function(F&& function) {
  return assay_split::Wrapped<std::decay_t<F>, false>{std::forward<F>(function)};
}
template <typename F>
auto wrap_pybind_function_no_gil(F&& function) {
  return assay_split::Wrapped<std::decay_t<F>, true>{std::forward<F>(function)};
}
}  // namespace torch

namespace pybind11 {

struct none {};
template <typename T>
struct call_guard {};

struct arg {
  explicit arg(const char* name) { argument.name = name; }
  arg operator=(bool value) && {
    return with(assay_split::Default::Kind::boolean, value, 0, nullptr);
  }
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  arg operator=(T value) && {
    return with(assay_split::Default::Kind::integer, static_cast<std::int64_t>(value), 0, nullptr);
  }
  arg operator=(float value) && {
    return with(assay_split::Default::Kind::floating, 0, value, nullptr);
  }
  arg operator=(double value) && {
    return with(assay_split::Default::Kind::floating, 0, value, nullptr);
  }
  arg operator=(const char* value) && {
    return with(assay_split::Default::Kind::text, 0, 0, value);
  }
  arg operator=(std::nullopt_t) && { return with(assay_split::Default::Kind::none, 0, 0, nullptr); }
  arg operator=(none) && { return with(assay_split::Default::Kind::none, 0, 0, nullptr); }

  assay_split::Argument argument;

 private:
  arg with(assay_split::Default::Kind kind, std::int64_t integer, double floating,
           const char* text) {
    argument.value = {kind, integer, floating, text};
    return *this;
  }
};

namespace literals {
inline arg operator""_a(const char* name, std::size_t) {
  return arg(name);
}
}  // namespace literals

class gil_scoped_release;  // as the argument of call_guard only

class module_ {
 public:
  explicit module_(const assay_split::Registry& registry) : registry_(registry) {}
  struct Documentation {
    const assay_split::Registry& registry;
    void operator=(const char* text) { registry.document(registry.self, text); }
  };
  Documentation doc() { return {registry_}; }

  template <typename F, typename... Extra>
  module_& def(const char* name, F&& callable, const Extra&... extra) {
    assay_split::Function function =
        assay_split::describe(std::decay_t<F>(std::forward<F>(callable)));
    assay_split::Argument arguments[sizeof...(Extra) + 1];
    function.name = name;
    function.arguments = arguments;
    (apply(function, arguments, extra), ...);
    registry_.add(registry_.self, function);
    return *this;
  }

 private:
  static void apply(assay_split::Function& function, assay_split::Argument*, const char* text) {
    function.documentation = text;
  }
  static void apply(assay_split::Function& function, assay_split::Argument* arguments,
                    const arg& argument) {
    arguments[function.argument_count++] = argument.argument;
  }
  static void apply(assay_split::Function& function, assay_split::Argument*,
                    call_guard<gil_scoped_release>) {
    function.releases_gil = true;
  }

  const assay_split::Registry& registry_;
};
using module = module_;

}  // namespace pybind11
namespace py = pybind11;

#define PYBIND11_MODULE(name, variable)                                      \
  static void assay_split_fill(::pybind11::module_& variable);               \
  extern "C" __attribute__((visibility("default"))) void assay_split_module( \
      const ::assay_split::Registry* registry) {                             \
    ::pybind11::module_ module(*registry);                                   \
    assay_split_fill(module);                                                \
  }                                                                          \
  static void assay_split_fill(::pybind11::module_& variable)
