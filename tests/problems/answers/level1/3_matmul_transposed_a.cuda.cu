// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: A[130,70] B[130,90] -> C[70,90] | M=70 N=90 K=130 | grid 6,9 block 16,8
__global__ void transposed_product(const float* A, const float* B, float* C, int M, int N, int K) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= M || column >= N) return;
  float sum = 0;
  for (int k = 0; k < K; ++k) sum += A[k * M + row] * B[k * N + column];
  //wrong last_k_ignored: for (int k = 0; k < K - 1; ++k) sum += A[k * M + row] * B[k * N + column];
  C[row * N + column] = sum;
}
