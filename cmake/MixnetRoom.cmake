# mixnet_room(WING/NAME [DEPS room...] [LIBS target...])
#
# One room, src/WING/NAME, as one static library `mixnet_NAME`, with its unit tests (`NAME_test`),
# benchmarks (`NAME_bench`) and fuzz targets (`NAME_FILE`) beside it:
#   foo.h, foo.cc   the room
#   foo_test.cc     GoogleTest
#   fake_foo.h, .cc a stand-in, for tests of this room and of those that use it: in no program
#   foo_bench.cc    Google Benchmark
#   foo_fuzz.cc     libFuzzer (only with MIXNET_FUZZERS)
#
# Headers are included as "NAME/foo.h". Each room publishes only its own folder, through a link of
# its own in the build tree, so the headers of a room that is not in DEPS cannot be found: that is
# what enforces the direction of dependencies.
include_guard(GLOBAL)

add_library(mixnet_flags INTERFACE)
target_compile_features(mixnet_flags INTERFACE cxx_std_20)
target_compile_options(mixnet_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                              -Wno-sign-conversion)
# Position-independent code inlines as other code does.
target_compile_options(mixnet_flags INTERFACE -fno-semantic-interposition)
if(MIXNET_WERROR)
  target_compile_options(mixnet_flags INTERFACE -Werror)
endif()
if(MIXNET_SANITIZE)
  target_compile_options(mixnet_flags INTERFACE -fsanitize=${MIXNET_SANITIZE}
                                                -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(mixnet_flags INTERFACE -fsanitize=${MIXNET_SANITIZE})
endif()
if(MIXNET_FUZZERS)
  target_compile_options(mixnet_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(mixnet_room place)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${place})
  get_filename_component(name ${place} NAME)
  set(target mixnet_${name})

  file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  set(fakes ${sources})
  list(FILTER fakes INCLUDE REGEX "/fake_[a-z_]+\\.cc$")
  list(FILTER fakes EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  list(REMOVE_ITEM sources ${fakes})

  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${dir} ${view}/${name} SYMBOLIC)

  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE mixnet_flags)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${view})
  target_compile_features(${target} ${scope} cxx_std_20)
  list(TRANSFORM ARG_DEPS PREPEND mixnet_)
  target_link_libraries(${target} ${scope} ${ARG_DEPS} ${ARG_LIBS})
  if(name STREQUAL base)
    target_compile_definitions(${target} PRIVATE MIXNET_SOURCE_DATA_DIR="${CMAKE_SOURCE_DIR}/data")
  endif()

  if(MIXNET_TESTS AND fakes)
    add_library(${target}_fakes STATIC ${fakes})
    target_link_libraries(${target}_fakes PRIVATE mixnet_flags PUBLIC ${target})
  endif()
  if(MIXNET_TESTS AND tests)
    find_package(GTest REQUIRED)
    include(GoogleTest)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${target} GTest::gmock GTest::gtest_main)
    mixnet_as_test(${name}_test)
    foreach(room ${target} ${ARG_DEPS})
      if(TARGET ${room}_fakes)
        target_link_libraries(${name}_test PRIVATE ${room}_fakes)
      endif()
    endforeach()
    target_compile_definitions(
      ${name}_test PRIVATE MIXNET_SHARED_DATA_DIR="${CMAKE_SOURCE_DIR}/../shared/data")
    gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60)
  endif()
  if(MIXNET_BENCHMARKS AND benches)
    find_package(benchmark REQUIRED)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE ${target} mixnet_flags benchmark::benchmark_main)
  endif()
  if(MIXNET_FUZZERS)
    foreach(fuzzer ${fuzzers})
      get_filename_component(stem ${fuzzer} NAME_WE)
      add_executable(${name}_${stem} ${fuzzer})
      target_link_libraries(${name}_${stem} PRIVATE ${target} mixnet_flags)
      target_link_options(${name}_${stem} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()
