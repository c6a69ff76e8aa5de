// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[77,130] -> y[77,130] | columns=130 | grid 77 block 32
__device__ float online(const float* row, int columns, float* largest) {
  float best = -__int_as_float(0x7f800000), sum = 0;
  for (int i = threadIdx.x; i < columns; i += 32) {
    const float next = fmaxf(best, row[i]);
    sum = sum * expf(best - next) + expf(row[i] - next);
    //wrong old_sum_not_rescaled: sum = sum + expf(row[i] - next);
    best = next;
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    const float other = __shfl_xor_sync(0xffffffff, best, offset);
    const float others_sum = __shfl_xor_sync(0xffffffff, sum, offset);
    const float next = fmaxf(best, other);
    sum = sum * expf(best - next) + others_sum * expf(other - next);
    best = next;
  }
  *largest = best;
  return sum;
}

__global__ void log_softmax(const float* x, float* y, int columns) {
  const float* row = x + blockIdx.x * columns;
  float largest;
  const float log_sum = logf(online(row, columns, &largest));
  for (int i = threadIdx.x; i < columns; i += 32) {
    y[blockIdx.x * columns + i] = row[i] - largest - log_sum;
  }
}
