// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: A[140,140] B[140,140] -> C[140,140] | n=140 | grid 9,18 block 16,8
__global__ void triangular_product(const float* A, const float* B, float* C, int n) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= n || column >= n) return;
  float sum = 0;
  for (int k = column; k <= row; ++k) sum += A[row * n + k] * B[k * n + column];
  //wrong off_the_diagonal: for (int k = column; k < row; ++k) sum += A[row * n + k] * B[k * n + column];
  C[row * n + column] = sum;
}
