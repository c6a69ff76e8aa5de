// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[16,100,33] -> y[16,1,33] | n=100 inner=33 | grid 16 block 64
__global__ void sum_middle(const float* x, float* y, int n, int inner) {
  const int column = threadIdx.x;
  if (column >= inner) return;
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += x[(blockIdx.x * n + i) * inner + column];
  //wrong first_row_twice: for (int i = 0; i < n; ++i) sum += x[(blockIdx.x * n + max(i, 1)) * inner + column];
  y[blockIdx.x * inner + column] = static_cast<float>(sum);
}
