#include "vecmill/provider/fallback_provider.h"

#include <condition_variable>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

namespace vecmill::provider {
namespace {

using policy::Fallback;
using policy::Time;

/// Errors of a server that another one may not have.
bool moves_on(const FallbackMember& member, const Error& error) {
  if (error.kind != ErrorKind::kUnavailable && error.kind != ErrorKind::kLimited) return false;
  return !member.is_final || !member.is_final(error);
}

class ChainProvider final : public FallbackProvider {
 public:
  explicit ChainProvider(FallbackChain chain)
      : chain_(std::move(chain)),
        state_(chain_.members.size(), chain_.times),
        answered_(chain_.members.size()),
        errors_(chain_.members.size()) {
    for (std::size_t i = 0; i < chain_.members.size(); ++i) {
      if (!chain_.members[i].out) continue;
      errors_[i] = make_error(ErrorKind::kUnavailable, "did not answer", chain_.members[i].name);
      state_.failed(now(), {.member = i});
    }
  }

  [[nodiscard]] Status check(const EmbedOptions& options) const override {
    return first().check(options);
  }
  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    Capabilities result = first().capabilities(options);
    result.space.fallback = chain_.described;
    return result;
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role role) const override {
    return first().count_tokens(text, role);
  }
  Result<std::vector<TokenId>> tokenize(std::string_view text) const override {
    return first().tokenize(text);
  }
  [[nodiscard]] std::string token_text(TokenId id) const override { return first().token_text(id); }

  [[nodiscard]] std::vector<std::uint64_t> answered() const override {
    const std::lock_guard guard(mutex_);
    return answered_;
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    Work work{texts, options, {}, {}};
    work.results.assign(texts.size(), Embedding{});
    work.open.resize(texts.size());
    std::iota(work.open.begin(), work.open.end(), std::size_t{0});
    const std::stop_callback wake_up(options.stop, [&] {
      const std::lock_guard guard(mutex_);
      changed_.notify_all();
    });
    while (!work.open.empty()) {
      std::unique_lock lock(mutex_);
      if (options.stop.stop_requested()) {
        end_all(work, make_error(ErrorKind::kCancelled, "interrupted"));
        break;
      }
      const Fallback::Route route = state_.route(now());
      if (route.verdict == Fallback::Verdict::kWait) {
        wait(lock, route.until);
      } else if (route.verdict == Fallback::Verdict::kAsk) {
        lock.unlock();
        ask(work, route);
      } else {
        const Error error = all_errors();
        lock.unlock();
        give_up(work, error);
      }
    }
    return std::move(work.results);
  }

 private:
  struct Work {
    std::span<const std::string_view> texts;
    const EmbedOptions& options;
    std::vector<Result<Embedding>> results;
    std::vector<std::size_t> open;  ///< texts without a result
  };

  [[nodiscard]] Provider& first() const { return *chain_.members.front().provider; }
  [[nodiscard]] Time now() const {
    return chain_.now ? chain_.now() : Time(std::chrono::steady_clock::now());
  }

  void wait(std::unique_lock<std::mutex>& lock, Time until) {
    if (chain_.sleep) {
      lock.unlock();
      chain_.sleep(until);
    } else {
      changed_.wait_until(lock, until);
    }
  }

  /// One text of a server that was out, all of another: what has an answer is open no more.
  void ask(Work& work, const Fallback::Route& route) {
    const FallbackMember& member = chain_.members[route.member];
    std::vector<std::size_t> asked = work.open;
    if (route.probe) asked.resize(1);
    std::vector<std::string_view> texts;
    texts.reserve(asked.size());
    for (const std::size_t i : asked) texts.push_back(work.texts[i]);
    auto results = member.provider->embed(texts, options_for(route.member, work.options));

    std::uint64_t made = 0;
    std::size_t open = 0;
    std::optional<Error> failure;
    for (std::size_t j = 0; j < asked.size(); ++j) {
      if (!results[j] && moves_on(member, results[j].error())) {
        failure = std::move(results[j]).error();
        asked[open++] = asked[j];
        continue;
      }
      if (results[j]) ++made;
      work.results[asked[j]] = std::move(results[j]);
    }
    const bool none = open == texts.size();
    asked.resize(open);
    asked.insert(asked.end(), work.open.begin() + static_cast<std::ptrdiff_t>(texts.size()),
                 work.open.end());
    work.open = std::move(asked);
    const std::lock_guard guard(mutex_);
    answered_[route.member] += made;
    if (failure) errors_[route.member] = std::move(failure);
    if (none) {
      state_.failed(now(), route);
    } else if (made > 0) {
      state_.answered(route);
    } else {
      state_.dropped(route);  // texts that are wrong themselves may not even have been sent
    }
    changed_.notify_all();
  }

  /// What the first would not cut is not cut by those that stand in for it.
  [[nodiscard]] EmbedOptions options_for(std::size_t member, EmbedOptions options) const {
    if (member > 0) options.truncate = Truncate::kError;
    return options;
  }

  void give_up(Work& work, const Error& error) {
    if (!chain_.degraded) return end_all(work, error);
    std::vector<std::string_view> texts;
    for (const std::size_t i : work.open) texts.push_back(work.texts[i]);
    EmbedOptions options = work.options;
    options.keep = {};  // its vectors are of no use to anybody who keeps some
    auto results = chain_.degraded->embed(texts, options);
    for (std::size_t j = 0; j < results.size(); ++j) {
      if (results[j]) results[j]->degraded = chain_.degraded_name;
      work.results[work.open[j]] = std::move(results[j]);
    }
    work.open.clear();
  }

  static void end_all(Work& work, const Error& error) {
    for (const std::size_t i : work.open) work.results[i] = error;
    work.open.clear();
  }

  [[nodiscard]] Error all_errors() const {
    std::string all;
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      all += (i > 0 ? "; " : "") + chain_.members[i].name + ": " + errors_[i]->message;
    }
    return make_error(ErrorKind::kUnavailable, all, {}, "go on with --resume when one is back");
  }

  const FallbackChain chain_;
  mutable std::mutex mutex_;  ///< over what follows
  std::condition_variable changed_;
  Fallback state_;
  std::vector<std::uint64_t> answered_;
  std::vector<std::optional<Error>> errors_;  ///< the last of each
};

}  // namespace

std::unique_ptr<FallbackProvider> make_fallback_provider(FallbackChain chain) {
  return std::make_unique<ChainProvider>(std::move(chain));
}

}  // namespace vecmill::provider
