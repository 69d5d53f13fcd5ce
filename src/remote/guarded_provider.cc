#include "vecmill/remote/guarded_provider.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <unordered_map>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/remote/fit_text.h"
#include "vecmill/remote/in_order.h"

namespace vecmill::remote {
namespace {

Time now() { return std::chrono::steady_clock::now(); }

/// One call of `embed`, which waits until nothing is open.
struct Job {
  const Keep& keep;
  std::vector<Result<Embedding>> results = {};
  std::size_t open = 0;
};

/// What of a text is sent.
struct Sendable {
  std::string_view text;
  std::optional<std::uint64_t> tokens = {};  ///< none: not counted
  std::uint32_t truncated_tokens = 0;
};

/// Where a text belongs. The text lives until its job is done.
struct Place {
  Job* job = nullptr;
  std::size_t index = 0;
  std::string_view text;
  Sendable sent;
};

/// A request on its way. Its texts have their places until it has ended.
struct Sent {
  Dispatcher::CallId call = 0;
  std::vector<Dispatcher::TextId> texts;
  Spending::PaymentId payment = 0;
  SharedState::Ticket ticket = 0;
  std::uint64_t tokens = 0;  ///< counted or estimated
  Time at = {};
};

class GuardedProvider final : public Provider {
 public:
  GuardedProvider(std::unique_ptr<RemoteApi> api, Dispatcher dispatcher, Describe describe,
                  GuardedExtras extras)
      : describe_(std::move(describe)),
        extras_(std::move(extras)),
        dispatcher_(std::move(dispatcher)),
        api_(std::move(api)) {}

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    return describe_(options);
  }

  Result<std::uint32_t> count_tokens(std::string_view text, Role /*role*/) const override {
    if (extras_.count) return static_cast<std::uint32_t>(extras_.count(text));
    return make_error(ErrorKind::kUnsupported, "the tokens of this model are not known here",
                      api_->model().name);
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    Job job{options.keep};
    job.results.assign(texts.size(), Embedding{});
    const auto ready = check_texts(texts, options, job);
    const std::stop_callback wake_up(options.stop, [&] {
      const std::lock_guard guard(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    const Dispatcher::TextId first = next_;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!job.results[i]) continue;
      ++job.open;
      places_.emplace(next_, Place{&job, i, texts[i], ready[i]});
      dispatcher_.add(now(), next_++, ready[i].text.size(), options.role, ready[i].tokens);
    }
    const Dispatcher::TextId last = next_;
    while (job.open > 0) {
      if (options.stop.stop_requested()) {  // again and again: what failed waits for another try
        dispatcher_.cancel(first, last, make_error(ErrorKind::kCancelled, "interrupted"));
        hand_out();
      }
      if (job.open > 0) step(lock, job);
    }
    return std::move(job.results);
  }

 private:
  /// Those that cannot be sent have their errors afterwards.
  std::vector<Sendable> check_texts(std::span<const std::string_view> texts,
                                    const EmbedOptions& options, Job& job) const {
    const Status possible = check(options);
    const TextLimit limit{describe_(options).max_tokens, tokens_around(api_->model()),
                          options.truncate};
    std::vector<Sendable> ready(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Status status = possible;
      if (status) status = sendable(texts[i]);
      ready[i].text = texts[i];
      // To read a vocabulary takes longer than a request with one short text can gain by it.
      const bool worth_it = texts.size() > 1 || texts[i].size() > limit.most;
      if (status && extras_.count && worth_it) status = fit(ready[i], limit);
      if (!status) job.results[i] = std::move(status).error();
    }
    return ready;
  }

  Status fit(Sendable& ready, const TextLimit& limit) const {
    VECMILL_ASSIGN(const FittedText fitted, fit_text(ready.text, limit, extras_.count));
    ready = {fitted.text, fitted.tokens, static_cast<std::uint32_t>(fitted.truncated_tokens)};
    return {};
  }

  [[nodiscard]] Status sendable(std::string_view text) const {
    if (!is_valid_utf8(text)) {
      return make_error(ErrorKind::kInvalidData, "the text is not valid UTF-8");
    }
    if (text.empty() && !api_->model().dialect->takes_empty) {
      return make_error(ErrorKind::kInvalidData, "the text is empty, which the API refuses", {},
                        "leave it out, or use --empty skip");
    }
    return {};
  }

  /// Sends one request, or waits for something to happen.
  void step(std::unique_lock<std::mutex>& lock, const Job& job) {
    auto send = dispatcher_.next(now());
    hand_out();
    if (send) {
      std::vector<std::string_view> texts;
      std::uint64_t most = 0;
      std::vector<std::uint64_t> parts;
      for (const auto text : send->texts) {
        const Place& place = places_.at(text);
        texts.push_back(place.sent.text);
        parts.push_back(place.sent.tokens ? *place.sent.tokens + tokens_around(api_->model())
                                          : most_tokens(api_->model(), place.sent.text));
        most += parts.back();
      }
      lock.unlock();
      const auto turn = extras_.shared ? extras_.shared->admit(now(), send->demand)
                                       : SharedState::Answer{.ticket = 0};
      if (!turn.ticket) {
        lock.lock();
        dispatcher_.held_back(send->call, now() + turn.ask_again);
        changed_.notify_all();
        return;
      }
      const auto answer = pay({texts, send->role, most, parts});
      const bool paid = answer && answer->payment;
      const std::uint64_t tokens = std::min(most, send->demand[policy::Unit::kTokens]);
      if (paid) {
        start({send->call, send->texts, *answer->payment, *turn.ticket, tokens}, texts, *send);
      }
      if (!paid && extras_.shared) extras_.shared->cancel(*turn.ticket);
      lock.lock();
      if (!paid) not_paid(send->call, answer);
      return;
    }
    if (job.open == 0) return;
    const Time wake = dispatcher_.wake();
    if (wake == policy::kNever) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, wake);
    }
  }

  /// Where nobody is asked for money, everything is granted.
  Result<Spending::Answer> pay(const Spending::Request& request) {
    if (!extras_.spending) return Spending::Answer{.payment = 0};
    return extras_.spending->intend(request);
  }

  void start(Sent sent, std::span<const std::string_view> texts, const Dispatcher::Send& send) {
    sent.at = now();
    api_->start(texts, send.role, send.timeout, [this, sent](CallResult result) {
      result.took = now() - sent.at;
      // Not here: whoever waits for the disk here lets other replies pass their deadlines. No more
      // wait there than requests are in flight.
      ends_.run([this, sent, ended = std::move(result)]() mutable { end(sent, std::move(ended)); });
    });
  }

  /// Vectors are kept before their payment is settled: a kill loses nothing that is settled.
  void end(const Sent& sent, CallResult result) {
    if (result.outcome == policy::Outcome::kSuccess) keep(sent.texts, result.embeddings);
    settle(sent, result);
    const std::lock_guard guard(mutex_);
    dispatcher_.ended(now(), sent.call, std::move(result));
    hand_out();
    changed_.notify_all();
  }

  void settle(const Sent& sent, const CallResult& result) {
    if (extras_.spending) {
      const bool uncounted = result.billed == Billed::kUncounted;
      extras_.spending->settle(sent.payment, result.billed,
                               uncounted ? sent.tokens : result.tokens);
    }
    if (extras_.shared) {
      extras_.shared->settle(sent.ticket,
                             {result.outcome, result.tokens, *result.took, result.retry_after});
    }
  }

  void keep(std::span<const Dispatcher::TextId> texts, std::span<Embedding> embeddings) {
    std::map<const Keep*, std::vector<Arrival>> arrived;
    {
      const std::lock_guard guard(mutex_);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const Place& place = places_.at(texts[i]);
        embeddings[i].truncated_tokens = place.sent.truncated_tokens;
        arrived[&place.job->keep].push_back({place.text, &embeddings[i]});
      }
    }
    for (const auto& [keep, arrivals] : arrived) {
      if (*keep) (*keep)(arrivals);
    }
  }

  /// Others may wait for what this finishes.
  void hand_out() {
    auto all = dispatcher_.take_finished();
    for (auto& finished : all) {
      const auto it = places_.find(finished.text);
      it->second.job->results[it->second.index] = std::move(finished.result);
      --it->second.job->open;
      places_.erase(it);
    }
    if (!all.empty()) changed_.notify_all();
  }

  void not_paid(Dispatcher::CallId call, const Result<Spending::Answer>& answer) {
    if (!answer) {
      dispatcher_.abandoned(call, answer.error());
    } else if (answer->refusal) {
      dispatcher_.unaffordable(call, *answer->refusal);
    } else {
      dispatcher_.postponed(call, now() + answer->ask_again.value_or(Duration{}));
    }
    hand_out();
    changed_.notify_all();
  }

  const Describe describe_;
  const GuardedExtras extras_;
  std::mutex mutex_;  ///< over what follows
  std::condition_variable changed_;
  Dispatcher dispatcher_;
  std::unordered_map<Dispatcher::TextId, Place> places_;
  Dispatcher::TextId next_ = 0;
  InOrder ends_;                          ///< below all that it uses
  const std::unique_ptr<RemoteApi> api_;  ///< last: what it ends goes there
};

}  // namespace

Result<std::unique_ptr<Provider>> make_guarded_provider(std::unique_ptr<RemoteApi> api,
                                                        const DispatcherOptions& options,
                                                        Describe describe, GuardedExtras extras) {
  VECMILL_ASSIGN(Dispatcher dispatcher, Dispatcher::create(options));
  return std::unique_ptr<Provider>(std::make_unique<GuardedProvider>(
      std::move(api), std::move(dispatcher), std::move(describe), std::move(extras)));
}

}  // namespace vecmill::remote
