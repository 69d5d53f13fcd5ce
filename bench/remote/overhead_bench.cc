// What our side of a request costs without any network or disk: overhead_bench [texts a round]
// A model that answers from memory at once, behind limits, breaker and batches, then the ledger,
// then the cache in memory. Texts of 500 bytes, all different, vectors of 1,024 numbers. One
// thread asks; the time is that of all threads. The ledger is a file in memory: its SQL and its
// system calls are in the figure, the disk is not; the second figure leaves what the system did
// (locks, writes, syncs) out.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/cache/memory_level.h"
#include "vecmill/engine/spending.h"
#include "vecmill/provider/cached_provider.h"
#include "vecmill/remote/guarded_provider.h"

namespace vecmill::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kDims = 1024;
constexpr std::size_t kTextBytes = 500;
constexpr int kRounds = 7;

/// Answers at once, on the caller's thread.
class InstantApi final : public remote::RemoteApi {
 public:
  [[nodiscard]] const remote::RemoteModel& model() const override { return model_; }

  void start(std::span<const std::string_view> texts, Role, remote::Duration, Done done) override {
    remote::CallResult result;
    result.outcome = policy::Outcome::kSuccess;
    result.billed = remote::Billed::kYes;
    result.tokens = 100 * texts.size();
    result.embeddings.resize(texts.size());
    for (Embedding& embedding : result.embeddings) embedding.vector.assign(kDims, 0.5F);
    done(std::move(result));
  }

 private:
  remote::RemoteModel model_{.dialect = remote::find_dialect("openai"), .name = "m", .dims = kDims};
};

struct Parts {
  bool guard = false, ledger = false, cache = false;
};

/// The model alone, as a provider: what the others are compared with.
class BareProvider final : public Provider {
 public:
  [[nodiscard]] Capabilities capabilities(const EmbedOptions&) const override { return {}; }
  Result<std::uint32_t> count_tokens(std::string_view, Role) const override { return 1U; }
  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions&) override {
    std::vector<Result<Embedding>> results;
    api_.start(texts, Role::kDocument, {}, [&](remote::CallResult result) {
      for (Embedding& one : result.embeddings) results.emplace_back(std::move(one));
    });
    return results;
  }

 private:
  InstantApi api_;
};

std::unique_ptr<Provider> make(const Parts& parts, const fs::path& folder) {
  std::unique_ptr<Provider> provider = std::make_unique<BareProvider>();
  if (parts.guard) {
    remote::GuardedExtras extras;
    if (parts.ledger) {
      SpendOptions spend;
      spend.ledger = (folder / "ledger.db").string();
      spend.price = "0.1";
      spend.max_cost = "1000";
      extras.spending =
          std::move(engine::ModelSpending::open(spend, "openai-compatible:m", kDims).value());
    }
    remote::DispatcherOptions options;
    options.batch = {256, 300'000, 2'000'000};
    options.requests_per_minute = options.tokens_per_minute = 1'000'000'000'000;
    options.linger = {};
    provider = std::move(make_guarded_provider(
                             std::make_unique<InstantApi>(), options,
                             [](const EmbedOptions&) { return Capabilities{}; }, extras)
                             .value());
  }
  if (!parts.cache) return provider;
  std::vector<std::unique_ptr<cache::Level>> levels;
  levels.push_back(std::move(cache::make_memory_level({}).value()));
  return provider::make_cached_provider(
      std::move(provider),
      {std::make_shared<cache::Cache>(std::move(levels), cache::Store::kF32),
       "a secret of this bench",
       [] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }});
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Processor time of all threads.
struct Seconds {
  double user = 0, all = 0;
};

Seconds seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double user = seconds_of(usage.ru_utime);
  return {user, user + seconds_of(usage.ru_stime)};
}

std::vector<std::string> texts_of(std::size_t first, std::size_t count) {
  std::vector<std::string> texts;
  for (std::size_t n = first; n < first + count; ++n) {
    texts.push_back(std::to_string(n) + " ");
    while (texts.back().size() < kTextBytes) texts.back() += "some words of a text and ";
    texts.back().resize(kTextBytes);
  }
  return texts;
}

/// Microseconds of the core for a text: of each round, and in user mode over all of them.
struct Used {
  std::vector<double> rounds;
  double user = 0;
};

/// `fresh`: texts that were never asked for.
Used measure(Provider& provider, std::size_t count, std::size_t batch, bool fresh) {
  Used used;
  for (int round = 0; round <= kRounds; ++round) {
    const auto texts = texts_of(fresh ? static_cast<std::size_t>(round) * count : 0, count);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const auto [user, start] = seconds();
    for (std::size_t first = 0; first < count; first += batch) {
      const auto part = std::span(views).subspan(first, std::min(batch, count - first));
      for (const auto& result : provider.embed(part, {})) VECMILL_CHECK(result.has_value());
    }
    if (round == 0) continue;  // it warms up
    const double micros = 1e6 / static_cast<double>(count);
    const auto [user_now, now] = seconds();
    used.rounds.push_back(micros * (now - start));
    used.user += micros * (user_now - user) / kRounds;
  }
  std::sort(used.rounds.begin(), used.rounds.end());
  return used;
}

int run(std::size_t count) {
  const fs::path memory = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
  const fs::path folder = memory / ("overhead_bench_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  setenv("VECMILL_HOME", folder.c_str(), 1);
  const struct {
    const char* name;
    Parts parts;
    bool fresh;
  } cases[] = {{"the model alone", {}, true},
               {"limits, breaker, batches", {.guard = true}, true},
               {"... and cache, all missing", {.guard = true, .cache = true}, true},
               {"... and ledger", {.guard = true, .ledger = true}, true},
               {"all of it, all missing", {.guard = true, .ledger = true, .cache = true}, true},
               {"all of it, all found", {.guard = true, .ledger = true, .cache = true}, false}};
  for (const std::size_t batch : {std::size_t{1}, std::size_t{256}}) {
    std::printf("%zu a call, microseconds of the core for a text\n", batch);
    for (const auto& [name, parts, fresh] : cases) {
      const auto provider = make(parts, folder);
      const Used used = measure(*provider, count, batch, fresh);
      std::printf("  %-28s %7.2f (%.2f to %.2f), %.2f without the system\n", name,
                  used.rounds[used.rounds.size() / 2], used.rounds.front(), used.rounds.back(),
                  used.user);
    }
  }
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) {
  return vecmill::bench::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'048);
}
