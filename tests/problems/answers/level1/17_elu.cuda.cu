// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[40,1023] -> y[40,1023] | n=40920 alpha=1.25 | grid 160 block 256
__global__ void elu(const float* x, float* y, int n, float alpha) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  y[i] = x[i] > 0 ? x[i] : alpha * expm1f(x[i]);
  //wrong alpha_inside: y[i] = x[i] > 0 ? x[i] : expm1f(alpha * x[i]);
}
