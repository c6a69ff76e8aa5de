// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[45,50] -> y[45,50] | rows=45 columns=50 | grid 2 block 32
__global__ void cumprod(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  float product = 1;
  for (int i = 0; i < columns; ++i) {
    product *= x[row * columns + i];
    y[row * columns + i] = product;
    //wrong last_one_not_multiplied: y[row * columns + i] = i + 1 < columns ? product : product / x[row * columns + i];
  }
}
