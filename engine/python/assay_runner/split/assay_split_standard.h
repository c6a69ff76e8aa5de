// SPDX-License-Identifier: Apache-2.0
// The part of namespace std that device code of extensions uses, for NVRTC: with libstdc++'s
// meaning, to the bit.
#pragma once

namespace std {

using size_t = decltype(sizeof(0));
using ptrdiff_t = long;
using nullptr_t = decltype(nullptr);
using ::int16_t;
using ::int32_t;
using ::int64_t;
using ::int8_t;
using ::intptr_t;
using ::uint16_t;
using ::uint32_t;
using ::uint64_t;
using ::uint8_t;
using ::uintptr_t;

template <typename T, T v>
struct integral_constant {
  static constexpr T value = v;
  using value_type = T;
  using type = integral_constant;
  __host__ __device__ constexpr operator T() const { return v; }
};
template <bool v>
using bool_constant = integral_constant<bool, v>;
using true_type = bool_constant<true>;
using false_type = bool_constant<false>;

template <bool condition, typename T = void>
struct enable_if {};
template <typename T>
struct enable_if<true, T> {
  using type = T;
};
template <bool condition, typename T = void>
using enable_if_t = typename enable_if<condition, T>::type;
template <bool condition, typename A, typename B>
struct conditional {
  using type = A;
};
template <typename A, typename B>
struct conditional<false, A, B> {
  using type = B;
};
template <bool condition, typename A, typename B>
using conditional_t = typename conditional<condition, A, B>::type;
template <typename...>
using void_t = void;

template <typename T>
struct remove_reference {
  using type = T;
};
template <typename T>
struct remove_reference<T&> {
  using type = T;
};
template <typename T>
struct remove_reference<T&&> {
  using type = T;
};
template <typename T>
using remove_reference_t = typename remove_reference<T>::type;
template <typename T>
struct remove_const {
  using type = T;
};
template <typename T>
struct remove_const<const T> {
  using type = T;
};
template <typename T>
using remove_const_t = typename remove_const<T>::type;
template <typename T>
struct remove_cv {
  using type = T;
};
template <typename T>
struct remove_cv<const T> : remove_cv<T> {};
template <typename T>
struct remove_cv<volatile T> : remove_cv<T> {};
template <typename T>
using remove_cv_t = typename remove_cv<T>::type;

template <typename A, typename B>
struct is_same : false_type {};
template <typename A>
struct is_same<A, A> : true_type {};
template <typename A, typename B>
inline constexpr bool is_same_v = is_same<A, B>::value;

template <typename T>
inline constexpr bool is_floating_point_v =
    is_same_v<remove_cv_t<T>, float> || is_same_v<remove_cv_t<T>, double>;
template <typename T>
struct is_floating_point : bool_constant<is_floating_point_v<T>> {};

template <typename T>
struct assay_split_integral : false_type {};
#define ASSAY_SPLIT_INTEGRAL(type) \
  template <>                      \
  struct assay_split_integral<type> : true_type {};
ASSAY_SPLIT_INTEGRAL(bool)
ASSAY_SPLIT_INTEGRAL(char)
ASSAY_SPLIT_INTEGRAL(signed char)
ASSAY_SPLIT_INTEGRAL(unsigned char)
ASSAY_SPLIT_INTEGRAL(short)
ASSAY_SPLIT_INTEGRAL(unsigned short)
ASSAY_SPLIT_INTEGRAL(int)
ASSAY_SPLIT_INTEGRAL(unsigned)
ASSAY_SPLIT_INTEGRAL(long)
ASSAY_SPLIT_INTEGRAL(unsigned long)
ASSAY_SPLIT_INTEGRAL(long long)
ASSAY_SPLIT_INTEGRAL(unsigned long long)
#undef ASSAY_SPLIT_INTEGRAL
template <typename T>
struct is_integral : assay_split_integral<remove_cv_t<T>> {};
template <typename T>
inline constexpr bool is_integral_v = is_integral<T>::value;
template <typename T>
struct is_trivially_copyable : bool_constant<__is_trivially_copyable(T)> {};
template <typename T>
inline constexpr bool is_trivially_copyable_v = __is_trivially_copyable(T);
template <typename T>
inline constexpr bool is_trivially_constructible_v = __is_trivially_constructible(T);
template <typename T>
struct is_trivially_default_constructible : bool_constant<__is_trivially_constructible(T)> {};
template <typename T>
inline constexpr bool is_trivially_default_constructible_v = __is_trivially_constructible(T);

template <typename T>
__host__ __device__ constexpr T&& forward(remove_reference_t<T>& value) noexcept {
  return static_cast<T&&>(value);
}
template <typename T>
__host__ __device__ constexpr const T& max(const T& a, const T& b) {
  return a < b ? b : a;
}
template <typename T>
__host__ __device__ constexpr const T& min(const T& a, const T& b) {
  return b < a ? b : a;
}

template <typename T>
struct hash;
enum float_round_style { round_indeterminate = -1, round_toward_zero = 0, round_to_nearest = 1 };
enum float_denorm_style { denorm_indeterminate = -1, denorm_absent = 0, denorm_present = 1 };

template <typename T>
class numeric_limits {
 public:
  static constexpr bool is_specialized = false;
};
template <typename T, bool has_sign>
struct assay_split_integer_limits {
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = has_sign;
  static constexpr bool is_integer = true;
  static constexpr bool is_exact = true;
  static constexpr bool has_infinity = false;
  static constexpr bool has_quiet_NaN = false;
  static constexpr int digits = static_cast<int>(sizeof(T) * 8) - (has_sign ? 1 : 0);
  __host__ __device__ static constexpr T min() noexcept {
    return has_sign ? static_cast<T>(-max() - 1) : static_cast<T>(0);
  }
  __host__ __device__ static constexpr T max() noexcept {
    return has_sign ? static_cast<T>(((static_cast<T>(1) << (digits - 1)) - 1) * 2 + 1)
                    : static_cast<T>(~static_cast<T>(0));
  }
  __host__ __device__ static constexpr T lowest() noexcept { return min(); }
  __host__ __device__ static constexpr T epsilon() noexcept { return 0; }
};
#define ASSAY_SPLIT_LIMITS(type, has_sign) \
  template <>                              \
  class numeric_limits<type> : public assay_split_integer_limits<type, has_sign> {};
ASSAY_SPLIT_LIMITS(signed char, true)
ASSAY_SPLIT_LIMITS(char, true)
ASSAY_SPLIT_LIMITS(unsigned char, false)
ASSAY_SPLIT_LIMITS(short, true)
ASSAY_SPLIT_LIMITS(unsigned short, false)
ASSAY_SPLIT_LIMITS(int, true)
ASSAY_SPLIT_LIMITS(unsigned, false)
ASSAY_SPLIT_LIMITS(long, true)
ASSAY_SPLIT_LIMITS(unsigned long, false)
ASSAY_SPLIT_LIMITS(long long, true)
ASSAY_SPLIT_LIMITS(unsigned long long, false)
#undef ASSAY_SPLIT_LIMITS

template <>
class numeric_limits<float> {
 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = false;
  static constexpr bool has_infinity = true;
  static constexpr bool has_quiet_NaN = true;
  static constexpr int digits = 24;
  static constexpr int digits10 = 6;
  static constexpr int max_digits10 = 9;
  static constexpr bool is_exact = false;
  static constexpr bool is_iec559 = true;
  static constexpr bool is_bounded = true;
  static constexpr bool is_modulo = false;
  static constexpr bool has_signaling_NaN = true;
  static constexpr float_denorm_style has_denorm = denorm_present;
  static constexpr bool has_denorm_loss = false;
  static constexpr float_round_style round_style = round_to_nearest;
  static constexpr bool traps = false;
  static constexpr bool tinyness_before = false;
  __host__ __device__ static constexpr float min() noexcept { return FLT_MIN; }
  __host__ __device__ static constexpr float max() noexcept { return FLT_MAX; }
  __host__ __device__ static constexpr float lowest() noexcept { return -FLT_MAX; }
  __host__ __device__ static constexpr float epsilon() noexcept { return FLT_EPSILON; }
  __host__ __device__ static constexpr float infinity() noexcept { return HUGE_VALF; }
  __host__ __device__ static constexpr float quiet_NaN() noexcept { return NAN; }
};
template <>
class numeric_limits<double> {
 public:
  static constexpr bool is_specialized = true;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = false;
  static constexpr bool has_infinity = true;
  static constexpr bool has_quiet_NaN = true;
  static constexpr int digits = 53;
  __host__ __device__ static constexpr double min() noexcept { return DBL_MIN; }
  __host__ __device__ static constexpr double max() noexcept { return DBL_MAX; }
  __host__ __device__ static constexpr double lowest() noexcept { return -DBL_MAX; }
  __host__ __device__ static constexpr double epsilon() noexcept { return DBL_EPSILON; }
  __host__ __device__ static constexpr double infinity() noexcept { return HUGE_VAL; }
  __host__ __device__ static constexpr double quiet_NaN() noexcept {
    return __builtin_bit_cast(double, 0x7ff8000000000000UL);
  }
};

}  // namespace std
