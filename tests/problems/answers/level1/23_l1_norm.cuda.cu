// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[60,513] -> y[60,513] | columns=513 | grid 60 block 32
__global__ void l1_norm(const float* x, float* y, int columns) {
  const float* row = x + blockIdx.x * columns;
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += 32) sum += fabsf(row[i]);
  //wrong last_column_not_summed: for (int i = threadIdx.x; i + 1 < columns; i += 32) sum += fabsf(row[i]);
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffff, sum, offset);
  const float scale = columns / sum;
  for (int i = threadIdx.x; i < columns; i += 32) y[blockIdx.x * columns + i] = row[i] * scale;
}
