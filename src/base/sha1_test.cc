#include "vecmill/base/sha1.h"

#include <gtest/gtest.h>

namespace vecmill {
namespace {

TEST(Sha1Test, KnownDigests) {
  EXPECT_EQ(Sha1().hex(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  Sha1 hash;
  hash.update("blob 6");
  hash.update(std::string_view("\0hello\n", 7));  // what `git hash-object` prints for "hello\n"
  EXPECT_EQ(hash.hex(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace vecmill
