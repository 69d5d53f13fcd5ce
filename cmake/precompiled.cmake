# The headers that most sources read are parsed once for test programs and, under the sanitizers,
# for libraries, whose code is placed differently. Elsewhere a source of a library sees what it
# includes.
function(vecmill_make_precompiled name)
  set(source ${CMAKE_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}\n" @ONLY)
  if(name STREQUAL vecmill_test_headers)
    add_executable(${name} ${source})
    vecmill_compile_as_test(${name})
  else()
    add_library(${name} OBJECT ${source})
    target_compile_options(${name} PRIVATE ${ARGN})
  endif()
  target_link_libraries(${name} PRIVATE vecmill_options GTest::gtest GTest::gmock)
  # So that ccache finds what was compiled with them again.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${name} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
  target_precompile_headers(
    ${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <chrono> <filesystem> <fstream> <functional>
                    <map> <memory> <optional> <random> <string> <thread> <tl/expected.hpp> <vector>)
endfunction()

# Tests are compiled more often than they run.
function(vecmill_compile_as_test target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -O1 -fpch-preprocess)
  endif()
endfunction()

if(TARGET GTest::gmock AND (CMAKE_CXX_COMPILER_ID STREQUAL GNU OR VECMILL_SANITIZE))
  set(precompile_tests ON)  # not for clang-tidy, which reads what nobody has built
  vecmill_make_precompiled(vecmill_test_headers)
endif()
# Under the sanitizers, which are there to find mistakes, only what the tests spend their time in is
# optimised: nothing else gains by it what it costs to compile.
set(optimised_modules vecmill_base vecmill_tokenize vecmill_encode)
if(VECMILL_SANITIZE)
  vecmill_make_precompiled(vecmill_library_headers)
  vecmill_make_precompiled(vecmill_optimised_headers -O1)
endif()

# vecmill_use_precompiled(<target>): a test program, or a library under a sanitizer; else nothing.
function(vecmill_use_precompiled target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE AND precompile_tests)
    vecmill_compile_as_test(${target})
    target_precompile_headers(${target} REUSE_FROM vecmill_test_headers)
  elseif(type STREQUAL STATIC_LIBRARY AND VECMILL_SANITIZE AND target IN_LIST optimised_modules)
    target_compile_options(${target} PRIVATE -O1)
    target_precompile_headers(${target} REUSE_FROM vecmill_optimised_headers)
  elseif(type STREQUAL STATIC_LIBRARY AND VECMILL_SANITIZE)
    target_precompile_headers(${target} REUSE_FROM vecmill_library_headers)
  endif()
endfunction()
