# vecmill_sqlite: the pinned SQLite amalgamation, fetched by tools/fetch_sqlite.sh, with only what is
# used compiled in. Not the Debian library: 3.40.1 has the WAL-reset bug.
set(VECMILL_SQLITE_DIR ${CMAKE_SOURCE_DIR}/.cache/sqlite CACHE PATH "Folder of sqlite3.c, sqlite3.h")
if(NOT EXISTS ${VECMILL_SQLITE_DIR}/sqlite3.c)
  message(FATAL_ERROR "${VECMILL_SQLITE_DIR}/sqlite3.c is missing; run tools/fetch_sqlite.sh first")
endif()
add_library(vecmill_sqlite STATIC ${VECMILL_SQLITE_DIR}/sqlite3.c)
target_include_directories(vecmill_sqlite SYSTEM PUBLIC
                           $<BUILD_INTERFACE:${VECMILL_SQLITE_DIR}>)
target_compile_options(vecmill_sqlite PRIVATE -w -O2)
if(VECMILL_SANITIZE OR VECMILL_FUZZ OR VECMILL_COVERAGE)  # not our code, and minutes to instrument
  target_compile_options(vecmill_sqlite PRIVATE -O1 -fno-sanitize=all -fno-profile-instr-generate
                                                -fno-coverage-mapping)
endif()
target_compile_definitions(vecmill_sqlite PRIVATE
  SQLITE_DQS=0 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_SHARED_CACHE SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_THREADSAFE=2)
target_link_libraries(vecmill_sqlite PRIVATE Threads::Threads)
