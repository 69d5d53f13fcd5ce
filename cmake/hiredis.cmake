# vecmill_hiredis: the pinned hiredis, fetched by tools/fetch_hiredis.sh, with TLS. Not the Debian
# library, which has none. Its headers are found as <hiredis/...>.
set(VECMILL_HIREDIS_DIR ${CMAKE_SOURCE_DIR}/.cache/hiredis CACHE PATH "Folder of hiredis.c, ssl.c")
if(NOT EXISTS ${VECMILL_HIREDIS_DIR}/ssl.c)
  message(FATAL_ERROR "${VECMILL_HIREDIS_DIR}/ssl.c is missing; run tools/fetch_hiredis.sh first")
endif()
set(sources alloc.c async.c dict.c hiredis.c net.c read.c sds.c sockcompat.c ssl.c)
list(TRANSFORM sources PREPEND ${VECMILL_HIREDIS_DIR}/)
add_library(vecmill_hiredis STATIC ${sources})
set(root ${CMAKE_BINARY_DIR}/hiredis_include)
file(MAKE_DIRECTORY ${root})
file(CREATE_LINK ${VECMILL_HIREDIS_DIR} ${root}/hiredis SYMBOLIC)
target_include_directories(vecmill_hiredis SYSTEM PUBLIC $<BUILD_INTERFACE:${root}>)
target_compile_options(vecmill_hiredis PRIVATE -w -O2)
if(VECMILL_SANITIZE OR VECMILL_FUZZ OR VECMILL_COVERAGE)  # not our code
  target_compile_options(vecmill_hiredis PRIVATE -fno-sanitize=all -fno-profile-instr-generate
                                                 -fno-coverage-mapping)
endif()
target_link_libraries(vecmill_hiredis PUBLIC OpenSSL::SSL OpenSSL::Crypto)
