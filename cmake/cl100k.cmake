# VECMILL_CL100K_RANKS: the token ranks of OpenAI's models, which are compiled in, so that their
# tokens are counted exactly without any set-up.
set(VECMILL_CL100K_RANKS ${CMAKE_SOURCE_DIR}/.cache/cl100k/cl100k_base.tiktoken
    CACHE FILEPATH "cl100k_base.tiktoken")
if(NOT EXISTS ${VECMILL_CL100K_RANKS})
  message(FATAL_ERROR "${VECMILL_CL100K_RANKS} is missing; run tools/fetch_cl100k.sh first")
endif()
