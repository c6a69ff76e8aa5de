// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[70,100] -> y:int64[70] | columns=100 | grid 70 block 32
__global__ void argmax(const float* x, long long* y, int columns) {
  const float* row = x + blockIdx.x * columns;
  float best = -__int_as_float(0x7f800000);
  int where = columns;
  for (int i = threadIdx.x; i < columns; i += 32) {
    if (row[i] > best) best = row[i], where = i;
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    const float other = __shfl_xor_sync(0xffffffff, best, offset);
    const int others_where = __shfl_xor_sync(0xffffffff, where, offset);
    if (other > best || (other == best && others_where < where)) best = other, where = others_where;
    //wrong ties_by_lane: if (other > best) best = other, where = others_where;
  }
  if (threadIdx.x == 0) y[blockIdx.x] = where;
}
