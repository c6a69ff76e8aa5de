# SPDX-License-Identifier: Apache-2.0
# assay::torch_cpu: libtorch's CPU half, by path. find_package(Torch) would demand a CUDA toolkit;
# the CUDA half (libtorch_cuda.so) is opened at run time by whoever needs it.

set(assay_torch_library_dir "${assay_python_torch_dir}/lib")
add_library(assay_import_torch_cpu INTERFACE)
add_library(assay::torch_cpu ALIAS assay_import_torch_cpu)
target_include_directories(assay_import_torch_cpu SYSTEM INTERFACE
  "${assay_python_torch_dir}/include"
  "${assay_python_torch_dir}/include/torch/csrc/api/include")
target_link_libraries(assay_import_torch_cpu INTERFACE
  "${assay_torch_library_dir}/libtorch_cpu.so" "${assay_torch_library_dir}/libc10.so"
  Threads::Threads)
# Libraries that torch's own need, for the linker only; at run time torch's RPATH finds them.
file(GLOB assay_nvidia_library_dirs "${assay_python_torch_dir}/../nvidia/*/lib")
foreach(directory IN LISTS assay_nvidia_library_dirs)
  target_link_options(assay_import_torch_cpu INTERFACE "LINKER:-rpath-link,${directory}")
endforeach()
