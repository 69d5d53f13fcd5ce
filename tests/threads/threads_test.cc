// One engine used by several threads at once: every vector has the bits that it has alone, whoever
// asks for it beside whatever else.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "vecmill/engine.h"
#include "vecmill_source_dir.h"

namespace vecmill {
namespace {

namespace fs = std::filesystem;

fs::path model_folder() {
  const char* set = std::getenv("VECMILL_TEST_MODEL");
  return set != nullptr ? fs::path(set)
                        : fs::path(VECMILL_SOURCE_DIR) / ".cache/models/all-MiniLM-L6-v2";
}

unsigned seed() {
  const char* set = std::getenv("VECMILL_TEST_SEED");
  return set != nullptr ? static_cast<unsigned>(std::atoi(set)) : 1;
}

const std::vector<std::string_view> kTexts = {
    "how do I undo a commit",
    "",
    "The quick brown fox jumps over the lazy dog, twice; then it sleeps.",
    "ein Satz mit Umlauten: Größe, Übung, Straße",
    "日本語の文もここにある。",
    "a",
    "words words words words words words words words words words words words words words words",
    "\U0001F600 emoji and e\u0301 combining",
};

class ThreadsTest : public testing::Test {
 protected:
  ThreadsTest() {
    std::string name = (fs::temp_directory_path() / "threads.XXXXXX").string();
    home_ = ::mkdtemp(name.data());
    ::setenv("VECMILL_HOME", home_.c_str(), 1);
  }
  ~ThreadsTest() override { fs::remove_all(home_); }

  static std::unique_ptr<Engine> open() {
    ModelOptions options;
    options.model = model_folder().string();
    options.threads = 3;
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().to_string();
    return engine ? std::move(*engine) : nullptr;
  }

  fs::path home_;
};

/// Asks for random handfuls of texts and counts vectors that are not the expected ones.
int wrong_vectors(Engine& engine, const std::vector<std::vector<float>>& expected, unsigned seed) {
  std::mt19937 random(seed);
  int wrong = 0;
  for (int call = 0; call < 6; ++call) {
    std::vector<std::size_t> picked(call % 2 == 0 ? 1 : 1 + random() % kTexts.size());
    for (std::size_t& i : picked) i = random() % kTexts.size();
    std::vector<std::string_view> texts;
    for (const std::size_t i : picked) texts.push_back(kTexts[i]);
    const auto results = engine.embed(texts);
    for (std::size_t i = 0; i < picked.size(); ++i) {
      if (!results[i] || results[i]->vector != expected[picked[i]]) ++wrong;
    }
  }
  return wrong;
}

TEST_F(ThreadsTest, EveryThreadGetsTheBitsATextHasAlone) {
  std::vector<std::vector<float>> expected;
  {
    const auto engine = open();
    ASSERT_TRUE(engine);
    for (const std::string_view text : kTexts) {
      auto alone = engine->embed({&text, 1});
      ASSERT_TRUE(alone[0]) << alone[0].error().to_string();
      expected.push_back(std::move(alone[0]->vector));
    }
  }
  const auto engine = open();  // nothing of its weights is verified yet
  ASSERT_TRUE(engine);
  std::vector<int> wrong(4, -1);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] { wrong[t] = wrong_vectors(*engine, expected, 100 * seed() + t); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(wrong.size(), 0));
}

}  // namespace
}  // namespace vecmill
