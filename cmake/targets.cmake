# SPDX-License-Identifier: Apache-2.0
# The only ways in which this project makes targets. Each takes SOURCES and dependencies, and adds the
# warnings, the sanitizer, the include root (the repository) and the place of the binary.

# Everything that runs outside tests: what ./dev demo and ./dev serve build.
add_custom_target(assay_programs)

# assay_schemas is also assay::schemas, assay_engine_judge also assay::engine_judge.
function(assay_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC_DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  string(REGEX REPLACE "^assay_" "" short_name "${name}")
  add_library(assay::${short_name} ALIAS ${name})
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  assay_configure_target(${name})
endfunction()

# Lands in build/<preset>/bin under its own name.
function(assay_add_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  assay_configure_target(${name})
  add_dependencies(assay_programs ${name})
endfunction()

# A module that Python imports: build/<preset>/python/<name><suffix of that Python>.
function(assay_add_python_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE assay::python_headers ${arg_DEPS})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX "${assay_python_extension_suffix}"
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY "${ASSAY_PYTHON_OUTPUT_DIRECTORY}")
  assay_configure_target(${name})
  add_dependencies(assay_programs ${name})
endfunction()

# Copies .py files (named relative to the calling folder) to build/<preset>/python/<package>/.
function(assay_add_python_package package)
  cmake_parse_arguments(arg "" "" "FILES" ${ARGN})
  set(copies "")
  foreach(file IN LISTS arg_FILES)
    set(copy "${ASSAY_PYTHON_OUTPUT_DIRECTORY}/${package}/${file}")
    add_custom_command(OUTPUT "${copy}"
      COMMAND "${CMAKE_COMMAND}" -E copy "${CMAKE_CURRENT_SOURCE_DIR}/${file}" "${copy}"
      DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${file}" VERBATIM)
    list(APPEND copies "${copy}")
  endforeach()
  add_custom_target(${package}_package ALL DEPENDS ${copies})
  add_dependencies(assay_programs ${package}_package)
endfunction()

# A Catch2 program and its ctest entry. LABELS: unit process gpu exploit conformance slow.
# Exit status 77 means skipped. ENVIRONMENT takes NAME=value; TIMEOUT is in seconds (120 unless told).
# RUN_SERIAL: nothing else runs beside it. Every test has ASSAY_BUILD_DIR, ASSAY_PYTHON and CUDA_HOME.
function(assay_add_test name)
  cmake_parse_arguments(arg "RUN_SERIAL" "TIMEOUT" "LABELS;SOURCES;DEPS;ENVIRONMENT" ${ARGN})
  assay_add_test_program(${name} SOURCES ${arg_SOURCES} DEPS assay::catch2_main ${arg_DEPS})
  add_test(NAME ${name} COMMAND ${name})
  assay_configure_test(${name})
endfunction()

# A test that a command decides, run in the repository.
function(assay_add_command_test name)
  cmake_parse_arguments(arg "RUN_SERIAL" "TIMEOUT" "LABELS;COMMAND;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  assay_configure_test(${name})
endfunction()

# pytest over FILES in the chosen Python; skipped, with the reason, where that lacks pytest or one of
# MODULES.
function(assay_add_pytest name)
  cmake_parse_arguments(arg "RUN_SERIAL" "TIMEOUT" "LABELS;FILES;MODULES;ENVIRONMENT" ${ARGN})
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(JOIN arg_MODULES "," modules)
  add_test(NAME ${name}
    COMMAND "${ASSAY_PYTHON}" "${CMAKE_SOURCE_DIR}/scripts/run_pytest.py" "--need=${modules}"
            ${arg_FILES}
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  assay_configure_test(${name})
endfunction()

# A program that tests start (a victim, a fake): build/<preset>/tests_bin, no ctest entry.
function(assay_add_test_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${ASSAY_TEST_OUTPUT_DIRECTORY}")
  assay_configure_target(${name})
  # A quarter less time to compile; what is tested keeps its own flags.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# --- used by the functions above ---

function(assay_configure_target name)
  target_compile_options(${name} PRIVATE ${assay_warning_flags} ${assay_sanitizer_flags})
  target_link_options(${name} PRIVATE ${assay_sanitizer_flags})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES BUILD_RPATH "${assay_runtime_path}")
endfunction()

set(assay_test_environment "ASSAY_BUILD_DIR=${CMAKE_BINARY_DIR}" "ASSAY_PYTHON=${ASSAY_PYTHON}"
    "CUDA_HOME=${CMAKE_SOURCE_DIR}/.toolkit")

# Reads the caller's arg_LABELS, arg_TIMEOUT, arg_ENVIRONMENT and arg_RUN_SERIAL.
macro(assay_configure_test name)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${assay_test_environment};${arg_ENVIRONMENT}" RUN_SERIAL ${arg_RUN_SERIAL})
endmacro()
