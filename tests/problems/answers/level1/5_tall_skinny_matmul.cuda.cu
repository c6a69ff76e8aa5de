// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: A[1001,17] B[17,29] -> C[1001,29] | rows=1001 | grid 63 block 32,16
constexpr int kInner = 17, kColumns = 29;

__global__ void tall_product(const float* A, const float* B, float* C, int rows) {
  __shared__ float right[kInner * kColumns];
  for (int i = threadIdx.y * 32 + threadIdx.x; i < kInner * kColumns; i += 512) right[i] = B[i];
  __syncthreads();
  const int row = blockIdx.x * 16 + threadIdx.y, column = threadIdx.x;
  if (row >= rows || column >= kColumns) return;
  //wrong last_row_not_written: if (row >= rows - 1 || column >= kColumns) return;
  float sum = 0;
  for (int k = 0; k < kInner; ++k) sum += A[row * kInner + k] * right[k * kColumns + column];
  C[row * kColumns + column] = sum;
}
