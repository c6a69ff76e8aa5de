// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[2,3,9,11,13] -> y[2,3,3,4,5] | grid 6 block 64
constexpr int D = 9, H = 11, W = 13, P = 3, Q = 4, R = 5, kDilation = 3;

__global__ void max_pool3d(const float* x, float* y) {
  const int i = threadIdx.x;
  if (i >= P * Q * R) return;
  const int p = i / (Q * R), q = i / R % Q, r = i % R;
  const float* volume = x + blockIdx.x * D * H * W;
  float best = -__int_as_float(0x7f800000);
  for (int corner = 0; corner < 8; ++corner) {
    //wrong one_corner_ignored: for (int corner = 0; corner < 7; ++corner) {
    const int d = 2 * p + (corner / 4) * kDilation, h = 2 * q + (corner / 2 % 2) * kDilation;
    const int w = 2 * r + (corner % 2) * kDilation;
    //wrong dilation_of_two_in_a_row: const int w = 2 * r + (corner % 2) * 2;
    best = fmaxf(best, volume[(d * H + h) * W + w]);
  }
  y[blockIdx.x * P * Q * R + i] = best;
}
