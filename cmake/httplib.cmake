# SPDX-License-Identifier: Apache-2.0
# assay::httplib: the newest cpp-httplib among CMAKE_PREFIX_PATH, ASSAY_DEPS_DIR, /usr/local and /usr.
# Debian splits it into a header and a library; elsewhere it is the header alone.

# Sets ASSAY_httplib_INCLUDE and ASSAY_HTTPLIB_VERSION in the cache.
function(assay_find_newest_httplib)
  string(REPLACE ":" ";" prefixes "$ENV{CMAKE_PREFIX_PATH}")
  set(newest 0)
  foreach(prefix IN LISTS CMAKE_PREFIX_PATH prefixes assay_deps_root ITEMS /usr/local /usr)
    foreach(folder IN ITEMS "${prefix}/include" "${prefix}")
      if(NOT EXISTS "${folder}/httplib.h")
        continue()
      endif()
      file(STRINGS "${folder}/httplib.h" line REGEX "^#define CPPHTTPLIB_VERSION \"" LIMIT_COUNT 1)
      string(REGEX MATCH "[0-9.]+" version "${line}")
      if(version VERSION_GREATER newest)
        set(newest "${version}")
        set(ASSAY_httplib_INCLUDE "${folder}" CACHE PATH "Folder of httplib.h" FORCE)
        set(ASSAY_HTTPLIB_VERSION "${version}" CACHE STRING "Its version" FORCE)
      endif()
    endforeach()
  endforeach()
endfunction()

if(NOT ASSAY_httplib_INCLUDE)
  assay_find_newest_httplib()
endif()
if(ASSAY_httplib_INCLUDE)
  message(STATUS "cpp-httplib ${ASSAY_HTTPLIB_VERSION} in ${ASSAY_httplib_INCLUDE}")
  file(STRINGS "${ASSAY_httplib_INCLUDE}/httplib.h" assay_httplib_bodies
       REGEX "^inline bool Server::listen_internal" LIMIT_COUNT 1)
endif()
if(assay_httplib_bodies)
  assay_import(httplib HEADER httplib.h)
  target_link_libraries(assay_import_httplib INTERFACE Threads::Threads)
else()
  assay_import(httplib HEADER httplib.h LIBRARY cpp-httplib PC cpp-httplib.pc OPTIONAL_LIBRARY)
  target_link_libraries(assay_import_httplib INTERFACE assay::openssl Threads::Threads)
endif()
