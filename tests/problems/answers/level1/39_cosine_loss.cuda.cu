// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: a[32,70] b[32,70] -> loss[] | columns=70 | grid 1 block 32,32
__global__ void cosine_loss(const float* a, const float* b, float* loss, int columns) {
  __shared__ float rows[32];
  float dot = 0, left = 0, right = 0;
  for (int i = threadIdx.x; i < columns; i += 32) {
    const float x = a[threadIdx.y * columns + i], y = b[threadIdx.y * columns + i];
    dot += x * y, left += x * x, right += y * y;
    //wrong last_chunk_not_in_a_norm: dot += x * y, left += x * x, right += i < 64 ? y * y : 0;
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    dot += __shfl_xor_sync(~0u, dot, offset);
    left += __shfl_xor_sync(~0u, left, offset);
    right += __shfl_xor_sync(~0u, right, offset);
  }
  if (threadIdx.x == 0) rows[threadIdx.y] = 1 - dot * rsqrtf(left * right);
  __syncthreads();
  if (threadIdx.y > 0) return;
  float sum = rows[threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
  if (threadIdx.x == 0) *loss = sum / 32;
}
