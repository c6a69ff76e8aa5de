// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: A[150,150] B[150,150] -> C[150,150] | n=150 | grid 10,10 block 16,16
constexpr int kTile = 16;

__global__ void matmul(const float* A, const float* B, float* C, int n) {
  __shared__ float a[kTile][kTile], b[kTile][kTile];
  const int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int first = 0; first < n; first += kTile) {
    //wrong last_tile_dropped: for (int first = 0; first + kTile <= n; first += kTile) {
    const int k = first + threadIdx.x, l = first + threadIdx.y;
    a[threadIdx.y][threadIdx.x] = row < n && k < n ? A[row * n + k] : 0;
    b[threadIdx.y][threadIdx.x] = l < n && column < n ? B[l * n + column] : 0;
    __syncthreads();
    //wrong no_sync_after_loading: __syncwarp();
    for (int i = 0; i < kTile; ++i) sum += a[threadIdx.y][i] * b[i][threadIdx.x];
    __syncthreads();
  }
  if (row < n && column < n) C[row * n + column] = sum;
}
