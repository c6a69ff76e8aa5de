// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[3,5,31,27] -> y[3,5,16,14] | H=31 W=27 P=16 Q=14 | grid 15 block 16,16
__global__ void max_pool(const float* x, float* y, int H, int W, int P, int Q) {
  const int p = threadIdx.y, q = threadIdx.x;
  if (p >= P || q >= Q) return;
  const float* plane = x + blockIdx.x * H * W;
  float best = -__int_as_float(0x7f800000);
  //wrong padding_is_zero: float best = p == 0 || q == 0 ? 0 : -__int_as_float(0x7f800000);
  for (int i = 2 * p - 1; i <= 2 * p + 1; ++i) {
    for (int j = 2 * q - 1; j <= 2 * q + 1; ++j) {
      //wrong last_column_outside: for (int j = 2 * q - 1; j <= min(2 * q + 1, W - 2); ++j) {
      if (i >= 0 && i < H && j >= 0 && j < W) best = fmaxf(best, plane[i * W + j]);
    }
  }
  y[(blockIdx.x * P + p) * Q + q] = best;
}
