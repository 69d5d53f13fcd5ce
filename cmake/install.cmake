# What `cmake --install` lays down: the program, one archive with every module but the command line,
# the public headers, and what find_package(vecmill) needs. Consumers link vecmill::vecmill.
get_property(modules GLOBAL PROPERTY VECMILL_MODULES)
list(REMOVE_ITEM modules vecmill_cli)

add_library(vecmill_library STATIC)
set_target_properties(vecmill_library PROPERTIES OUTPUT_NAME vecmill EXPORT_NAME vecmill)
foreach(module IN LISTS modules)
  target_sources(vecmill_library PRIVATE $<TARGET_OBJECTS:${module}>)
  get_target_property(module_libs ${module} VECMILL_LIBS)
  list(APPEND libs ${module_libs})
endforeach()
list(REMOVE_DUPLICATES libs)
foreach(lib IN LISTS libs)
  get_target_property(imported ${lib} IMPORTED)
  get_target_property(kind ${lib} TYPE)
  if(imported)
    target_link_libraries(vecmill_library PRIVATE ${lib})
  elseif(kind STREQUAL STATIC_LIBRARY)
    target_sources(vecmill_library PRIVATE $<TARGET_OBJECTS:${lib}>)
  endif()
endforeach()
target_link_libraries(vecmill_library PUBLIC tl::expected Threads::Threads PRIVATE ${CMAKE_DL_LIBS})
target_compile_features(vecmill_library PUBLIC cxx_std_20)
target_include_directories(vecmill_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vecmill)
install(TARGETS vecmill_library EXPORT vecmill_targets)
install(EXPORT vecmill_targets NAMESPACE vecmill:: DESTINATION ${package_dir})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/vecmill DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/vecmill-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/vecmill-config.cmake
              ${CMAKE_BINARY_DIR}/vecmill-config-version.cmake
        DESTINATION ${package_dir})
