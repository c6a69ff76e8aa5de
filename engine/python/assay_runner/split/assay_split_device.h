// SPDX-License-Identifier: Apache-2.0
// What nvcc's device code has of the C library's headers, for NVRTC, which has none: glibc's types
// and gcc's values on x86-64, so that names are mangled alike and constants are the same bits.
#pragma once

// libcu++ takes int64_t for long long where it stands alone: its own names for these then, and
// glibc's for the source.
#if ASSAY_SPLIT_CCCL
#define int8_t assay_split_int8
#define int16_t assay_split_int16
#define int32_t assay_split_int32
#define int64_t assay_split_int64
#define uint8_t assay_split_uint8
#define uint16_t assay_split_uint16
#define uint32_t assay_split_uint32
#define uint64_t assay_split_uint64
#define intptr_t assay_split_intptr
#define uintptr_t assay_split_uintptr
#include <cuda/std/cstdint>
#undef int8_t
#undef int16_t
#undef int32_t
#undef int64_t
#undef uint8_t
#undef uint16_t
#undef uint32_t
#undef uint64_t
#undef intptr_t
#undef uintptr_t
#endif

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
#if ASSAY_SPLIT_CCCL
_LIBCUDACXX_BEGIN_NAMESPACE_STD
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
_LIBCUDACXX_END_NAMESPACE_STD
#endif
typedef unsigned char u_char;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

#ifndef CUDA_VERSION
#define CUDA_VERSION CUDART_VERSION
#endif

#define CHAR_BIT 8
#define SCHAR_MIN (-127 - 1)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define SHRT_MIN (-32767 - 1)
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MIN (-2147483647 - 1)
#define INT_MAX 2147483647
#define UINT_MAX 4294967295U
#define LONG_MAX 9223372036854775807L
#define LONG_MIN (-LONG_MAX - 1L)
#define ULONG_MAX 18446744073709551615UL
#define LLONG_MAX 9223372036854775807LL
#define LLONG_MIN (-LLONG_MAX - 1LL)
#define ULLONG_MAX 18446744073709551615ULL
#define UINT8_C(value) value
#define UINT16_C(value) value
#define UINT32_C(value) value##U
#define UINT64_C(value) value##UL
#define INT8_C(value) value
#define INT16_C(value) value
#define INT32_C(value) value
#define INT64_C(value) value##L
#define INT8_MAX 127
#define INT8_MIN (-128)
#define INT16_MAX 32767
#define INT16_MIN (-32767 - 1)
#define INT32_MAX 2147483647
#define INT32_MIN (-2147483647 - 1)
#define INT64_MAX 9223372036854775807L
#define INT64_MIN (-9223372036854775807L - 1)
#define UINT8_MAX 255
#define UINT16_MAX 65535
#define UINT32_MAX 4294967295U
#define UINT64_MAX 18446744073709551615UL
#define SIZE_MAX 18446744073709551615UL
#define FLT_MAX 3.40282346638528859811704183484516925e+38F
#define FLT_MIN 1.17549435082228750796873653722224568e-38F
#define FLT_EPSILON 1.19209289550781250000000000000000000e-7F
#define FLT_DIG 6
#define FLT_MANT_DIG 24
#define DBL_MAX ((double)1.79769313486231570814527423731704357e+308L)
#define DBL_MIN ((double)2.22507385850720138309023271733240406e-308L)
#define DBL_EPSILON ((double)2.22044604925031308084726333618164062e-16L)
#define DBL_DIG 15
#define DBL_MANT_DIG 53
#ifndef INFINITY
#define INFINITY (__builtin_bit_cast(float, 0x7f800000U))
#endif
#ifndef NAN
#define NAN (__builtin_bit_cast(float, 0x7fc00000U))
#endif
#define HUGE_VAL (__builtin_bit_cast(double, 0x7ff0000000000000UL))
#define HUGE_VALF INFINITY
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440

#include <assay_split_standard.h>

// torch's scalars, by torch's own headers. Their functions of the host count as the device's, and
// are never called.
#if ASSAY_SPLIT_C10
#include <cuda_bf16.h>
#include <cuda_fp16.h>
namespace std {
struct ostream {
  template <typename T>
  __device__ ostream& operator<<(const T&);
};
__device__ inline void* memcpy(void* target, const void* source, size_t count) {
  return ::memcpy(target, source, count);
}
using ::isinf;
using ::isnan;
}  // namespace std
#define __builtin_clz __clz
#include <torch/headeronly/util/BFloat16.h>
#include <torch/headeronly/util/Half.h>
#undef __builtin_clz
namespace at {
using c10::BFloat16;
using c10::Half;
}  // namespace at
namespace torch {
using namespace at;
}
#endif

// libstdc++ computes a power of mixed types in double; NVRTC has a pow(float, int) of its own, with
// other bits.
template <typename X, typename Y>
__device__ __forceinline__ double assay_split_pow(X x, Y y) {
  return ::pow(static_cast<double>(x), static_cast<double>(y));
}
__device__ __forceinline__ float assay_split_pow(float x, float y) {
  return ::pow(x, y);
}
#define pow assay_split_pow
