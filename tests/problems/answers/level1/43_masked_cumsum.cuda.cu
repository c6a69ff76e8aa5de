// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[35,120] mask:bool[35,120] -> y[35,120] | columns=120 | grid 35 block 128
__global__ void masked_cumsum(const float* x, const bool* mask, float* y, int columns) {
  __shared__ float sums[2][128];
  const int i = threadIdx.x, at = blockIdx.x * columns + i;
  sums[0][i] = i < columns && mask[at] ? x[at] : 0;
  __syncthreads();
  int from = 0;
  for (int offset = 1; offset < 128; offset *= 2, from ^= 1) {
    //wrong one_step_too_few: for (int offset = 1; offset < 64; offset *= 2, from ^= 1) {
    sums[from ^ 1][i] = sums[from][i] + (i >= offset ? sums[from][i - offset] : 0);
    __syncthreads();
  }
  if (i < columns) y[at] = sums[from][i];
  //wrong masked_places_are_zero: if (i < columns) y[at] = mask[at] ? sums[from][i] : 0;
}
