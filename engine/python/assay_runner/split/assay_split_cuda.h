// SPDX-License-Identifier: Apache-2.0
// CUDA as g++ sees it in a split extension: launches by the runtime's own functions, as nvcc's
// stubs do it, and the runtime's templates that nvcc alone is shown.
#pragma once

// Outside nvcc their functions are static without being inline, and g++ would emit all of them in
// every extension.
#define unused unused)) __inline__ __attribute__((unused
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#undef unused

#include <cuda.h>
#include <cuda_runtime.h>

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

extern "C" unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared,
                                                struct CUstream_st* stream);
extern "C" cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared,
                                                  void* stream);

#ifndef __launch_bounds__
#define __launch_bounds__(...)
#endif
#undef __cluster_dims__
#define __cluster_dims__(...)
#undef __maxnreg__
#define __maxnreg__(...)

namespace assay_split {

inline unsigned configure(dim3 grid, dim3 block, std::size_t shared = 0,
                          cudaStream_t stream = nullptr) {
  return ::__cudaPushCallConfiguration(grid, block, shared, stream);
}

inline void launch(const void* kernel, void** arguments) {
  dim3 grid;
  dim3 block;
  std::size_t shared;
  cudaStream_t stream;
  if (::__cudaPopCallConfiguration(&grid, &block, &shared, &stream) != cudaSuccess) return;
  (void)::cudaLaunchKernel(kernel, grid, block, arguments, shared, stream);
}

template <typename T>
void* address(T& argument) {
  return const_cast<void*>(static_cast<const volatile void*>(__builtin_addressof(argument)));
}

}  // namespace assay_split

template <class T>
cudaError_t cudaMemcpyToSymbol(const T& symbol, const void* source, std::size_t count,
                               std::size_t offset = 0,
                               cudaMemcpyKind kind = cudaMemcpyHostToDevice) {
  return ::cudaMemcpyToSymbol(static_cast<const void*>(&symbol), source, count, offset, kind);
}
template <class T>
cudaError_t cudaMemcpyToSymbolAsync(const T& symbol, const void* source, std::size_t count,
                                    std::size_t offset = 0,
                                    cudaMemcpyKind kind = cudaMemcpyHostToDevice,
                                    cudaStream_t stream = nullptr) {
  return ::cudaMemcpyToSymbolAsync(static_cast<const void*>(&symbol), source, count, offset, kind,
                                   stream);
}
template <class T>
cudaError_t cudaMemcpyFromSymbol(void* target, const T& symbol, std::size_t count,
                                 std::size_t offset = 0,
                                 cudaMemcpyKind kind = cudaMemcpyDeviceToHost) {
  return ::cudaMemcpyFromSymbol(target, static_cast<const void*>(&symbol), count, offset, kind);
}
template <class T>
cudaError_t cudaMemcpyFromSymbolAsync(void* target, const T& symbol, std::size_t count,
                                      std::size_t offset = 0,
                                      cudaMemcpyKind kind = cudaMemcpyDeviceToHost,
                                      cudaStream_t stream = nullptr) {
  return ::cudaMemcpyFromSymbolAsync(target, static_cast<const void*>(&symbol), count, offset, kind,
                                     stream);
}
template <class T>
cudaError_t cudaGetSymbolAddress(void** pointer, const T& symbol) {
  return ::cudaGetSymbolAddress(pointer, static_cast<const void*>(&symbol));
}
template <class T>
cudaError_t cudaGetSymbolSize(std::size_t* size, const T& symbol) {
  return ::cudaGetSymbolSize(size, static_cast<const void*>(&symbol));
}
template <class T>
cudaError_t cudaFuncSetCacheConfig(T* function, cudaFuncCache config) {
  return ::cudaFuncSetCacheConfig(reinterpret_cast<const void*>(function), config);
}
template <class T>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, T* function) {
  return ::cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(function));
}
template <class T>
cudaError_t cudaFuncSetAttribute(T* function, cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(reinterpret_cast<const void*>(function), attribute, value);
}

// A source may name them where only device code uses them.
namespace cooperative_groups {}
namespace cub {}
namespace nvcuda {
namespace wmma {}
}  // namespace nvcuda
