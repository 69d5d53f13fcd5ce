#include "vecmill/engine/vector_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "vecmill/base/database.h"
#include "vecmill/base/quick_folder.h"
#include "vecmill/engine.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;

class VectorCacheTest : public testing::Test {
 protected:
  VectorCacheTest() {
    fs::create_directories(folder_);
    if (const char* home = std::getenv("VECMILL_HOME")) before_ = home;
    ::setenv("VECMILL_HOME", (folder_ / "home").c_str(), 1);
    std::ofstream texts(folder_ / "texts.txt");
    for (int n = 0; n < 300; ++n) texts << "text " << n % 250 << " of 250\n";
  }
  ~VectorCacheTest() override {
    if (before_.empty()) {
      ::unsetenv("VECMILL_HOME");
    } else {
      ::setenv("VECMILL_HOME", before_.c_str(), 1);
    }
    fs::remove_all(folder_);
  }

  std::unique_ptr<Engine> open(CacheMode mode, std::uint64_t memory = 64 << 20) {
    ModelOptions options;
    options.cache.memory_bytes = memory;
    options.model = "builtin:hash";
    options.threads = 2;
    options.use_cache = mode;
    return std::move(Engine::open(options).value());
  }

  EmbedJob job(const std::string& name) {
    EmbedJob job;
    job.inputs = {(folder_ / "texts.txt").string()};
    job.out = (folder_ / name).string();
    return job;
  }

  std::string bytes(const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const fs::path folder_ = quick_folder() / ("vecmill-vector-cache-" + std::to_string(::getpid()));
  std::string before_;
};

TEST(WantsCacheTest, ServersUnlessSaidOtherwise) {
  EXPECT_TRUE(wants_cache(CacheMode::kAuto, true));
  EXPECT_FALSE(wants_cache(CacheMode::kAuto, false));
  for (const bool remote : {true, false}) {
    EXPECT_TRUE(wants_cache(CacheMode::kOn, remote));
    EXPECT_FALSE(wants_cache(CacheMode::kOff, remote));
  }
}

TEST_F(VectorCacheTest, FreshAndCachedOutputsAreTheSame) {
  const auto plain = open(CacheMode::kAuto)->run(job("plain.npy"));
  ASSERT_TRUE(plain && !plain->cache.used);
  const auto cold = open(CacheMode::kOn)->run(job("cold.npy"));
  ASSERT_TRUE(cold && cold->cache.used);
  EXPECT_EQ(cold->cache.misses, 250u);
  EXPECT_EQ(cold->cache.hits + cold->cache.duplicates, 50u);
  const auto warm = open(CacheMode::kOn)->run(job("warm.npy"));
  ASSERT_TRUE(warm);
  EXPECT_EQ(warm->cache.hits, 300u);
  EXPECT_EQ(warm->tokens, plain->tokens);
  EXPECT_FALSE(bytes("plain.npy").empty());
  EXPECT_EQ(bytes("plain.npy"), bytes("cold.npy"));
  EXPECT_EQ(bytes("plain.npy"), bytes("warm.npy"));
}

TEST_F(VectorCacheTest, AnEngineFindsInMemoryWhatItHad) {
  for (const std::uint64_t memory : {64 << 20, 0}) {
    const auto engine = open(CacheMode::kOn, memory);
    const std::string size = std::to_string(memory);
    ASSERT_TRUE(engine->run(job(size + "first.npy")));
    ASSERT_TRUE(clear_cache({}));  // as another process would
    const auto again = engine->run(job(size + "again.npy"));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->cache.hits > 250, memory > 0) << again->cache.hits;
    EXPECT_EQ(bytes(size + "first.npy"), bytes(size + "again.npy"));
    ASSERT_TRUE(clear_cache({}));
  }
  ModelOptions options;
  options.model = "builtin:hash";
  options.use_cache = CacheMode::kOn;
  options.cache.memory_bytes = 1000;
  const auto refused = Engine::open(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "cache.memory_size");
}

TEST_F(VectorCacheTest, ARunRemovesWhatIsOver) {
  ASSERT_TRUE(open(CacheMode::kOn)->run(job("first.npy")));
  const auto rows = [] { return cache_status({}).value().rows; };
  EXPECT_EQ(rows(), 250u);
  const fs::path file = folder_ / "home" / "cache" / "vectors.db";
  ASSERT_TRUE(Database::open_shared(file)->run("UPDATE vectors SET until=1 WHERE used>0"));
  std::ofstream(folder_ / "texts.txt") << "another one\n";
  ASSERT_TRUE(open(CacheMode::kOn)->run(job("second.npy")));
  EXPECT_EQ(rows(), 1u);
}

TEST_F(VectorCacheTest, WarmingWritesNoOutput) {
  const auto warmed = open(CacheMode::kOn)->warm(job("none.npy"));
  ASSERT_TRUE(warmed) << warmed.error().to_string();
  EXPECT_EQ(warmed->cache.misses, 250u);
  EXPECT_FALSE(fs::exists(folder_ / "none.npy"));
  EXPECT_EQ(open(CacheMode::kOn)->run(job("out.npy"))->cache.hits, 300u);
  const auto without = open(CacheMode::kOff)->warm(job("none.npy"));
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().kind, ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace vecmill::engine
