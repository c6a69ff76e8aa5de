// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[25,40] weight[40,31] -> y[25,31] sums[31] | rows=25 K=40 N=31 factor=2.0 | grid 31 block 32
__global__ void fused(const float* x, const float* weight, float* y, float* sums, int rows, int K,
                      int N, float factor) {
  const int row = threadIdx.x, column = blockIdx.x;
  float value = 0;
  if (row < rows) {
    for (int k = 0; k < K; ++k) value += x[row * K + k] * weight[k * N + column];
    value += factor / (1 + expf(-value));
    y[row * N + column] = value;
  }
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(~0u, value, offset);
  //wrong sum_of_the_first_rows: value = row < 24 ? value : 0; for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(~0u, value, offset);
  if (threadIdx.x == 0) sums[column] = value;
}
