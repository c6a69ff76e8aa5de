# SPDX-License-Identifier: Apache-2.0
# System packages as imported targets assay::<name>, from ASSAY_DEPS_DIR first, then the system.
# No find_package and no pkg-config: both keep absolute prefixes, which unpacked packages do not have.

set(assay_deps_root "${ASSAY_DEPS_DIR}/usr")
set(assay_multiarch "${CMAKE_CXX_LIBRARY_ARCHITECTURE}")
set(assay_library_hints "${assay_deps_root}/lib/${assay_multiarch}" "${assay_deps_root}/lib")

# assay_import(NAME HEADER header [LIBRARY library] [PC file.pc] [OPTIONAL_LIBRARY])
# Makes assay::NAME. PC: take the -D flags that the package was compiled with from its .pc file.
function(assay_import name)
  cmake_parse_arguments(arg "OPTIONAL_LIBRARY" "HEADER;LIBRARY;PC" "" ${ARGN})
  set(missing "")
  find_path(ASSAY_${name}_INCLUDE NAMES "${arg_HEADER}" HINTS "${assay_deps_root}/include")
  if(NOT ASSAY_${name}_INCLUDE)
    set(missing "${arg_HEADER}")
  endif()
  if(arg_LIBRARY)
    find_library(ASSAY_${name}_LIBRARY NAMES "${arg_LIBRARY}" HINTS ${assay_library_hints})
    if(NOT ASSAY_${name}_LIBRARY AND NOT arg_OPTIONAL_LIBRARY)
      set(missing "lib${arg_LIBRARY}.so")
    endif()
  endif()
  if(missing)
    message(FATAL_ERROR "${missing} not found: install the packages listed in scripts/packages.txt "
                        "or run './dev deps' (on a machine with Debian's package registry)")
  endif()

  add_library(assay_import_${name} INTERFACE)
  add_library(assay::${name} ALIAS assay_import_${name})
  set(directories "${ASSAY_${name}_INCLUDE}")
  if(EXISTS "${ASSAY_${name}_INCLUDE}/${assay_multiarch}")
    list(APPEND directories "${ASSAY_${name}_INCLUDE}/${assay_multiarch}")
  endif()
  list(REMOVE_ITEM directories ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
  target_include_directories(assay_import_${name} SYSTEM INTERFACE ${directories})
  if(ASSAY_${name}_LIBRARY)
    target_link_libraries(assay_import_${name} INTERFACE "${ASSAY_${name}_LIBRARY}")
  endif()
  if(arg_PC AND ASSAY_${name}_LIBRARY)
    cmake_path(GET ASSAY_${name}_LIBRARY PARENT_PATH library_directory)
    if(EXISTS "${library_directory}/pkgconfig/${arg_PC}")
      file(STRINGS "${library_directory}/pkgconfig/${arg_PC}" flags REGEX "^[Cc][Ff][Ll][Aa][Gg][Ss]:")
      string(REGEX MATCHALL "-D[A-Za-z0-9_]+" definitions "${flags}")
      target_compile_options(assay_import_${name} INTERFACE ${definitions})
    endif()
  endif()
endfunction()

find_package(Threads REQUIRED)

assay_import(nlohmann_json HEADER nlohmann/json.hpp)
assay_import(zlib HEADER zlib.h LIBRARY z)
assay_import(sqlite3 HEADER sqlite3.h LIBRARY sqlite3)
assay_import(openssl HEADER openssl/ssl.h)
assay_import(fmt HEADER fmt/core.h LIBRARY fmt)
assay_import(spdlog HEADER spdlog/spdlog.h LIBRARY spdlog PC spdlog.pc)
target_link_libraries(assay_import_spdlog INTERFACE assay::fmt Threads::Threads)
# Debian splits httplib into a header and a library; elsewhere it is the header alone.
assay_import(httplib HEADER httplib.h LIBRARY cpp-httplib PC cpp-httplib.pc OPTIONAL_LIBRARY)
target_link_libraries(assay_import_httplib INTERFACE assay::openssl Threads::Threads)

# The system's own OpenSSL is used where there is one; ./dev deps keeps its copy apart for the rest.
set(assay_runtime_path "")
find_library(ASSAY_SYSTEM_OPENSSL NAMES libssl.so.3)
if(NOT ASSAY_SYSTEM_OPENSSL AND EXISTS "${ASSAY_DEPS_DIR}/openssl")
  set(assay_runtime_path "${ASSAY_DEPS_DIR}/openssl")
endif()
