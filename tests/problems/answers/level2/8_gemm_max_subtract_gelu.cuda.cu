// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[41,30] weight[27,30] -> y[41,27] | K=30 N=27 | grid 41 block 32
__global__ void gemm_max_gelu(const float* x, const float* weight, float* y, int K, int N) {
  const int column = threadIdx.x;
  float sum = -__int_as_float(0x7f800000);
  if (column < N) {
    sum = 0;
    for (int k = 0; k < K; ++k) sum += x[blockIdx.x * K + k] * weight[column * K + k];
  }
  float largest = sum;
  for (int offset = 16; offset > 0; offset /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffff, largest, offset));
  }
  const float z = sum - largest + 4;
  if (column < N) y[blockIdx.x * N + column] = 0.5f * z * (1 + erff(z * 0.70710678f));
  //wrong tanh_approximation: if (column < N) y[blockIdx.x * N + column] = 0.5f * z * (1 + tanhf(0.79788456f * (z + 0.044715f * z * z * z)));
  //wrong half_result: if (column < N) y[blockIdx.x * N + column] = rintf(0.5f * z * (1 + erff(z * 0.70710678f)) * 512) / 512;
}
