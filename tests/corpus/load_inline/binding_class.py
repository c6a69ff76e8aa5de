# SPDX-License-Identifier: Apache-2.0
# Style: py::class_ with state and a method that launches a kernel
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cpp_source = """
#include <torch/extension.h>

void scale_launch(const float* x, const float* gain, float* y, int rows, int columns);

class Scaler {
public:
    Scaler(torch::Tensor gain, int64_t repeats) : gain_(gain.contiguous()), repeats_(repeats) {}

    torch::Tensor operator()(torch::Tensor x) {
        for (int64_t i = 0; i < repeats_; ++i) {
            auto y = torch::empty_like(x);
            scale_launch(x.data_ptr<float>(), gain_.data_ptr<float>(), y.data_ptr<float>(), x.size(0), x.size(1));
            x = y;
        }
        calls_ += 1;
        return x;
    }

    int64_t calls() const { return calls_; }

private:
    torch::Tensor gain_;
    int64_t repeats_, calls_ = 0;
};

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    py::class_<Scaler>(m, "Scaler")
        .def(py::init<torch::Tensor, int64_t>(), py::arg("gain"), py::arg("repeats") = 1)
        .def("__call__", &Scaler::operator())
        .def_property_readonly("calls", &Scaler::calls);
}
"""

cuda_source = """
__global__ void scale_kernel(const float* x, const float* gain, float* y, int rows, int columns) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows * columns) y[i] = x[i] * gain[i % columns];
}
void scale_launch(const float* x, const float* gain, float* y, int rows, int columns) {
    scale_kernel<<<(rows * columns + 255) / 256, 256>>>(x, gain, y, rows, columns);
}
"""

ext = load_inline(name="scaler_ext", cpp_sources=cpp_source, cuda_sources=cuda_source)


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.gain = nn.Parameter(torch.randn(features))
        self.scaler = None

    def forward(self, x):
        if self.scaler is None:
            self.scaler = ext.Scaler(self.gain, repeats=2)
        return self.scaler(x) + self.scaler.calls * 0


def expected(model, x):
    return x * model.gain * model.gain


def get_inputs():
    return [torch.randn(25, 12)]


def get_init_inputs():
    return [12]
