# SPDX-License-Identifier: Apache-2.0
# assay::cuda_headers: cuda.h, nvrtc.h, cupti.h and their like. Headers only: libcuda, NVRTC, NVML and
# CUPTI are opened at run time, so that one build runs with and without a GPU.

if(NOT assay_python_cuda_dir)
  message(FATAL_ERROR "No CUDA ${assay_python_torch_cuda} headers found: set CUDA_HOME to a toolkit "
                      "or run './dev build', which installs the wheels")
endif()
add_library(assay_import_cuda_headers INTERFACE)
add_library(assay::cuda_headers ALIAS assay_import_cuda_headers)
target_include_directories(assay_import_cuda_headers SYSTEM INTERFACE
  "${assay_python_cuda_dir}/include")
if(EXISTS "${assay_python_cuda_dir}/extras/CUPTI/include")
  target_include_directories(assay_import_cuda_headers SYSTEM INTERFACE
    "${assay_python_cuda_dir}/extras/CUPTI/include")
endif()
