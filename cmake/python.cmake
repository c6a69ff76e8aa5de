# SPDX-License-Identifier: Apache-2.0
# The Python whose torch is used, asked once per configure (60 ms): sets assay_python_<fact> for each
# fact of probe_python.py and makes assay::python_headers.

set(default_python python3)
if(DEFINED ENV{ASSAY_PYTHON})
  set(default_python "$ENV{ASSAY_PYTHON}")
elseif(EXISTS "${CMAKE_SOURCE_DIR}/.venv/bin/python3")
  set(default_python "${CMAKE_SOURCE_DIR}/.venv/bin/python3")
endif()
set(ASSAY_PYTHON "${default_python}" CACHE FILEPATH "The Python that has torch")

execute_process(
  COMMAND "${ASSAY_PYTHON}" -I "${CMAKE_SOURCE_DIR}/cmake/probe_python.py"
  OUTPUT_VARIABLE facts
  RESULT_VARIABLE status
  ERROR_VARIABLE message)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "ASSAY_PYTHON (${ASSAY_PYTHON}) does not run: ${status} ${message}")
endif()
foreach(fact IN ITEMS executable version python_include extension_suffix
                      torch_dir torch_version torch_cuda cuda_dir)
  string(JSON assay_python_${fact} GET "${facts}" ${fact})
endforeach()
if(NOT assay_python_torch_dir)
  message(FATAL_ERROR "${ASSAY_PYTHON} has no torch: run './dev build', which sets one up")
endif()
if(NOT EXISTS "${assay_python_python_include}/Python.h")
  message(FATAL_ERROR "${assay_python_python_include}/Python.h not found: install python3-dev")
endif()
message(STATUS "Python ${assay_python_version} with torch ${assay_python_torch_version}, "
               "CUDA from ${assay_python_cuda_dir}")

# Python.h and the pybind11 that torch ships.
add_library(assay_import_python_headers INTERFACE)
add_library(assay::python_headers ALIAS assay_import_python_headers)
target_include_directories(assay_import_python_headers SYSTEM INTERFACE
  "${assay_python_python_include}" "${assay_python_torch_dir}/include")
