# SPDX-License-Identifier: Apache-2.0
# What a build can choose, and the settings that hold for every target.

option(ASSAY_WERROR "Treat warnings in our own sources as errors" OFF)
option(ASSAY_TESTS "Build the tests" ON)
set(ASSAY_SANITIZE "" CACHE STRING "Sanitizer for our own sources: address, thread or empty")
set_property(CACHE ASSAY_SANITIZE PROPERTY STRINGS "" address thread)
option(ASSAY_FUZZ "Instrument for the harnesses of tests/fuzz (needs clang)" OFF)
set(ASSAY_DEPS_DIR "${CMAKE_SOURCE_DIR}/.deps" CACHE PATH
    "Unpacked packages (./dev deps), searched before the system")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g")

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(ASSAY_TEST_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests_bin")
set(ASSAY_PYTHON_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/python")

# DT_RPATH and not DT_RUNPATH: the libraries of ASSAY_DEPS_DIR find each other through it too.
add_link_options("LINKER:--disable-new-dtags" "LINKER:--as-needed")

find_program(ASSAY_CCACHE ccache)
if(ASSAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ASSAY_CCACHE}")
endif()

set(assay_warning_flags -Wall -Wextra -Wconversion)
# Not under a sanitizer: its instrumentation makes g++ warn falsely of uninitialised values.
if(ASSAY_WERROR AND NOT ASSAY_SANITIZE)
  list(APPEND assay_warning_flags -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False hits inside libstdc++'s std::string.
    list(APPEND assay_warning_flags -Wno-error=restrict)
  endif()
endif()

# The presets but dev compile several sources as one: their headers are read and their templates made
# once for all of them, in half of the time. dev compiles each alone, so that a missing include shows.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # To g++ such a file is a header, whose classes must not use types of an unnamed namespace.
  list(APPEND assay_warning_flags -Wno-subobject-linkage)
endif()

set(assay_sanitizer_flags "")
if(ASSAY_SANITIZE STREQUAL "address")
  set(assay_sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(ASSAY_SANITIZE STREQUAL "thread")
  set(assay_sanitizer_flags -fsanitize=thread)
elseif(NOT ASSAY_SANITIZE STREQUAL "")
  message(FATAL_ERROR "ASSAY_SANITIZE must be address, thread or empty, not '${ASSAY_SANITIZE}'")
endif()
if(ASSAY_FUZZ)
  list(APPEND assay_sanitizer_flags -fsanitize=fuzzer-no-link)
endif()
if(assay_sanitizer_flags)
  list(APPEND assay_sanitizer_flags -fno-omit-frame-pointer)
endif()
