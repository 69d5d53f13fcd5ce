# vecmill_module(<name> [DEPS ...] [USES ...] [LIBS ...] [TEST_LIBS ...])
#
# One folder = one static library = one include root: a file can include only its own module, the
# public headers and the modules it names. DEPS are seen by its headers, USES only by its .cc files,
# LIBS are libraries from outside (private). A named module must already exist: the
# add_subdirectory() order in src/ is the layer order, and a cycle cannot be written down.
# Tests stand beside the code: every x_test.cc goes into the test program <name>_test.
function(vecmill_module name)
  cmake_parse_arguments(arg "" "" "DEPS;USES;LIBS;TEST_LIBS" ${ARGN})
  foreach(dep IN LISTS arg_DEPS arg_USES)
    if(NOT TARGET vecmill_${dep})
      message(FATAL_ERROR "'${name}' may not depend on '${dep}': it is not a layer below")
    endif()
  endforeach()

  file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|main)\\.cc$")

  # Expose this folder, and no other, as <vecmill/name/...>.
  set(root ${CMAKE_BINARY_DIR}/modules/${name})
  file(MAKE_DIRECTORY ${root}/vecmill)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/vecmill/${name} SYMBOLIC)

  # Every header must compile on its own. One with a source of its name does there: it is included
  # first (tools/check_house.py).
  set(checks)
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "\\.h$" ".cc" source ${header})
    if(EXISTS ${source})
      continue()
    endif()
    file(RELATIVE_PATH relative ${CMAKE_CURRENT_SOURCE_DIR} ${header})
    string(MAKE_C_IDENTIFIER ${relative} stem)
    file(CONFIGURE OUTPUT ${root}/check/${stem}.cc
         CONTENT "#include \"vecmill/${name}/${relative}\"\n" @ONLY)
    list(APPEND checks ${root}/check/${stem}.cc)
  endforeach()

  list(TRANSFORM arg_DEPS PREPEND vecmill_)
  list(TRANSFORM arg_USES PREPEND vecmill_)
  add_library(vecmill_${name} STATIC ${sources} ${headers})
  target_include_directories(vecmill_${name} PUBLIC $<BUILD_INTERFACE:${root}>)
  target_link_libraries(vecmill_${name} PUBLIC vecmill_api ${arg_DEPS} PRIVATE ${arg_USES} ${arg_LIBS})
  set_property(GLOBAL APPEND PROPERTY VECMILL_MODULES vecmill_${name})
  set_property(TARGET vecmill_${name} PROPERTY VECMILL_LIBS "${arg_LIBS}")

  vecmill_use_precompiled(vecmill_${name})
  if(VECMILL_DEVELOPER)
    if(checks AND NOT VECMILL_SANITIZE)
      add_library(vecmill_${name}_headers OBJECT ${checks})
      target_compile_options(vecmill_${name}_headers PRIVATE -O0)
      target_link_libraries(vecmill_${name}_headers PRIVATE vecmill_${name} ${arg_USES} ${arg_LIBS})
    endif()
    if(tests)
      add_executable(${name}_test ${tests})
      target_link_libraries(${name}_test PRIVATE vecmill_${name} ${arg_USES} ${arg_LIBS}
                                                 ${arg_TEST_LIBS} GTest::gtest_main GTest::gmock)
      target_link_libraries(${name}_test PRIVATE vecmill_source_dir)
      vecmill_use_precompiled(${name}_test)
      add_test(NAME ${name} COMMAND ${name}_test)
    endif()
  endif()
endfunction()
