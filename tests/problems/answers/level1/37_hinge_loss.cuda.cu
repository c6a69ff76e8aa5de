// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: p[64,25] t[64,25] -> loss[] | n=1600 | grid 1 block 1024
__global__ void hinge(const float* p, const float* t, float* loss, int n) {
  __shared__ float warps[32];
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += 1024) sum += fmaxf(1 - p[i] * t[i], 0);
  //wrong margin_of_a_rounded_one: for (int i = threadIdx.x; i < n; i += 1024) sum += fmaxf(0.999f - p[i] * t[i], 0);
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(~0u, sum, offset);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  sum = warps[threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(~0u, sum, offset);
  if (threadIdx.x == 0) *loss = sum / n;
}
