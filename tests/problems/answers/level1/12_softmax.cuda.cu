// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[64,1000] -> y[64,1000] | columns=1000 | grid 64 block 128
constexpr int kThreads = 128;

__global__ void softmax(const float* x, float* y, int columns) {
  __shared__ float shared[kThreads];
  const float* row = x + blockIdx.x * columns;
  float largest = -__int_as_float(0x7f800000);
  for (int i = threadIdx.x; i < columns; i += kThreads) largest = fmaxf(largest, row[i]);
  shared[threadIdx.x] = largest;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      shared[threadIdx.x] = fmaxf(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    __syncthreads();
  }
  largest = shared[0];
  __syncthreads();
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += kThreads) sum += expf(row[i] - largest);
  //wrong sum_misses_the_last_chunk: for (int i = threadIdx.x; i < columns / kThreads * kThreads; i += kThreads) sum += expf(row[i] - largest);
  shared[threadIdx.x] = sum;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    __syncthreads();
    //wrong no_sync_in_the_sum: __syncwarp();
  }
  for (int i = threadIdx.x; i < columns; i += kThreads) {
    y[blockIdx.x * columns + i] = expf(row[i] - largest) / shared[0];
  }
}
