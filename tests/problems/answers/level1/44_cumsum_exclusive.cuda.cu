// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[21,257] -> y[21,257] | columns=257 | grid 21 block 1
__global__ void cumsum_exclusive(const float* x, float* y, int columns) {
  float sum = 0;
  for (int i = 0; i < columns; ++i) {
    y[blockIdx.x * columns + i] = sum;
    sum += x[blockIdx.x * columns + i];
    //wrong element_at_a_tile_edge_lost: if (i != 255) sum += x[blockIdx.x * columns + i];
  }
}
