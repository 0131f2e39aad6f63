# The thick headers that nearly every file includes, compiled once. No file may lean on that: each
# names what it includes, which the builds of sanitizers, fuzzers and clang-tidy see to, for they
# have none of it. Neither has a build through ccache, which does not look through such files.
include_guard(GLOBAL)

if(MIXNET_SANITIZE OR CMAKE_CXX_CLANG_TIDY OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU"
   OR CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# Tests run once: full optimisation of what they themselves hold costs more time than it saves.
add_library(mixnet_test_flags INTERFACE)
target_link_libraries(mixnet_test_flags INTERFACE mixnet_flags)
target_compile_options(mixnet_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)

# mixnet_precompiled(NAME FLAG LIBS target... HEADERS header...)
# Headers for targets that are compiled alike, position-independent by FLAG (-fPIC, -fPIE).
function(mixnet_precompiled name flag)
  cmake_parse_arguments(ARG "" "" "LIBS;HEADERS" ${ARGN})
  set(source ${CMAKE_BINARY_DIR}/precompiled/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Carries precompiled headers; no more.\n")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE ${flag})
endfunction()

# mixnet_take_precompiled(TARGET NAME): compiles TARGET with the headers of NAME.
function(mixnet_take_precompiled target name)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

# mixnet_as_test(TARGET): compiles TARGET as tests are.
function(mixnet_as_test target)
  target_link_libraries(${target} PRIVATE mixnet_test_flags)
  mixnet_take_precompiled(${target} mixnet_test_headers)
endfunction()

if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
  set(thick <algorithm> <filesystem> <fmt/format.h> <functional> <map> <memory> <optional> <span>
            <string> <string_view> <utility> <vector>)
  mixnet_precompiled(mixnet_room_headers -fPIC LIBS mixnet_flags fmt::fmt HEADERS ${thick})
  if(MIXNET_TESTS)
    find_package(GTest REQUIRED)
    mixnet_precompiled(mixnet_test_headers -fPIE LIBS mixnet_test_flags fmt::fmt GTest::gmock
                       HEADERS ${thick} <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endif()
