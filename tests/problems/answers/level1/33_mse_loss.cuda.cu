// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: a[31,37] b[31,37] -> loss[] | n=1147 | grid 1 block 256
__global__ void mse(const float* a, const float* b, float* loss, int n) {
  __shared__ float shared[256];
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += 256) sum += (a[i] - b[i]) * (a[i] - b[i]);
  //wrong tail_ignored: for (int i = threadIdx.x; i < n / 256 * 256; i += 256) sum += (a[i] - b[i]) * (a[i] - b[i]);
  shared[threadIdx.x] = sum;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) *loss = shared[0] / n;
  //wrong unbiased: if (threadIdx.x == 0) *loss = shared[0] / (n - 1);
}
