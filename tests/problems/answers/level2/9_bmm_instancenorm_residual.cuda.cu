// SPDX-License-Identifier: Apache-2.0
// clang-format off
// io: x[6,11,20] weight[20,13] y[6,11,13] -> out[6,11,13] | epsilon=1e-3 | grid 6 block 160
constexpr int kRows = 11, kInner = 20, kColumns = 13, kElements = kRows * kColumns;

__global__ void fused(const float* x, const float* weight, const float* y, float* out,
                      float epsilon) {
  __shared__ float values[kElements];
  const int i = threadIdx.x, first = blockIdx.x * kElements;
  if (i < kElements) {
    const float* row = x + (blockIdx.x * kRows + i / kColumns) * kInner;
    float sum = 0;
    for (int k = 0; k < kInner; ++k) sum += row[k] * weight[k * kColumns + i % kColumns];
    values[i] = sum;
  }
  __syncthreads();
  float mean = 0, variance = 0;
  for (int j = 0; j < kElements; ++j) mean += values[j] / kElements;
  for (int j = 0; j < kElements; ++j) {
    variance += (values[j] - mean) * (values[j] - mean) / kElements;
    //wrong unbiased_variance: variance += (values[j] - mean) * (values[j] - mean) / (kElements - 1);
  }
  if (i >= kElements) return;
  const float normal = (values[i] - mean) * rsqrtf(variance + epsilon);
  out[first + i] = (normal + y[first + i]) * y[first + i];
}
