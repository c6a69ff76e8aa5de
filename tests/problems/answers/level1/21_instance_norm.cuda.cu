// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[5,9,17,19] -> y[5,9,17,19] | n=323 epsilon=1e-5 | grid 45 block 64
__device__ float block_sum(float value) {
  __shared__ float warps[2];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(~0u, value, offset);
  __syncthreads();
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
  __syncthreads();
  return warps[0] + warps[1];
  //wrong one_warp_for_all: return warps[0] * 2;
}

__global__ void instance_norm(const float* x, float* y, int n, float epsilon) {
  const float* image = x + blockIdx.x * n;
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += 64) sum += image[i];
  const float mean = block_sum(sum) / n;
  float squares = 0;
  for (int i = threadIdx.x; i < n; i += 64) squares += (image[i] - mean) * (image[i] - mean);
  const float scale = rsqrtf(block_sum(squares) / n + epsilon);
  //wrong epsilon_forgotten: const float scale = rsqrtf(block_sum(squares) / n);
  for (int i = threadIdx.x; i < n; i += 64) y[blockIdx.x * n + i] = (image[i] - mean) * scale;
}
