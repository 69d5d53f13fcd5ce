#pragma once

// VECMILL_INSTRUMENTED is 1 where a sanitizer makes the program several times slower, else 0.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VECMILL_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VECMILL_INSTRUMENTED 1
#endif
#endif
#ifndef VECMILL_INSTRUMENTED
#define VECMILL_INSTRUMENTED 0
#endif
