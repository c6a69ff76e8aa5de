// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[32,1000] -> y[32,1000] | columns=1000 | grid 32 block 32
__global__ void cumsum(const float* x, float* y, int columns) {
  const int lane = threadIdx.x;
  float carry = 0;
  for (int first = 0; first < columns; first += 32) {
    const int i = first + lane;
    float sum = i < columns ? x[blockIdx.x * columns + i] : 0;
    for (int offset = 1; offset < 32; offset *= 2) {
      const float before = __shfl_up_sync(0xffffffff, sum, offset);
      if (lane >= offset) sum += before;
      //wrong one_lane_too_late: if (lane > offset) sum += before;
    }
    sum += carry;
    if (i < columns) y[blockIdx.x * columns + i] = sum;
    carry = __shfl_sync(0xffffffff, sum, 31);
    //wrong carry_without_the_last_lane: carry = __shfl_sync(0xffffffff, sum, 30);
  }
}
