# Under the sanitizers the headers that most sources read are parsed once for programs and once for
# libraries, whose code is placed differently. In other builds a source sees what it includes.
function(vecmill_make_precompiled name)
  set(source ${CMAKE_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}\n" @ONLY)
  if(name STREQUAL vecmill_program_headers)
    add_executable(${name} ${source})
  else()
    add_library(${name} OBJECT ${source})
  endif()
  target_link_libraries(${name} PRIVATE vecmill_options GTest::gtest GTest::gmock)
  target_compile_options(${name} PRIVATE -Xclang -fno-pch-timestamp)  # ccache finds it again
  target_precompile_headers(
    ${name} PRIVATE <gmock/gmock.h> <gtest/gtest.h> <chrono> <filesystem> <fstream> <functional>
                    <map> <memory> <optional> <random> <string> <thread> <tl/expected.hpp> <vector>)
endfunction()

if(VECMILL_SANITIZE)
  vecmill_make_precompiled(vecmill_program_headers)
  vecmill_make_precompiled(vecmill_library_headers)
endif()

# vecmill_use_precompiled(<target>): a library or a program under a sanitizer; else nothing.
function(vecmill_use_precompiled target)
  if(VECMILL_SANITIZE)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      target_precompile_headers(${target} REUSE_FROM vecmill_program_headers)
    else()
      target_precompile_headers(${target} REUSE_FROM vecmill_library_headers)
    endif()
  endif()
endfunction()
