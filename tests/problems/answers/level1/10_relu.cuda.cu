// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[101,991] -> y[101,991] | n=100091 | grid 391 block 256
__global__ void relu(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = fmaxf(x[i], 0.0f);
  //wrong large_values_cut: if (i < n) y[i] = fminf(fmaxf(x[i], 0.0f), 3.0f);
  //wrong first_element_not_written: if (i < n && i > 0) y[i] = fmaxf(x[i], 0.0f);
}
