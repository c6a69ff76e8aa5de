// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[29,1003] -> y[29,1003] | n=29087 | grid 60 block 128
__global__ void hardsigmoid(const float* x, float* y, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    y[i] = fminf(fmaxf(x[i] / 6 + 0.5f, 0), 1);
    //wrong no_upper_bound: y[i] = fmaxf(x[i] / 6 + 0.5f, 0);
  }
}
