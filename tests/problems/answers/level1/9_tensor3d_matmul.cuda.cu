// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: A[4,37,50] B[50,20] -> C[4,37,20] | rows=148 K=50 N=20 | grid 19 block 20,8
__global__ void product(const float* A, const float* B, float* C, int rows, int K, int N) {
  const int row = blockIdx.x * 8 + threadIdx.y, column = threadIdx.x;
  if (row >= rows) return;
  float sum = 0;
  for (int k = 0; k < K; ++k) sum = fmaf(A[row * K + k], B[k * N + column], sum);
  //wrong first_of_the_last_batch: if (row == 3 * 37) sum -= A[row * K] * B[column];
  C[row * N + column] = sum;
}
