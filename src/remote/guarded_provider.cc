#include "vecmill/remote/guarded_provider.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <unordered_map>
#include <utility>

#include "vecmill/base/utf8.h"

namespace vecmill::remote {
namespace {

Time now() { return std::chrono::steady_clock::now(); }

/// One call of `embed`, which waits until nothing is open.
struct Job {
  std::vector<Result<Embedding>> results;
  std::size_t open = 0;
};

/// Where a text belongs. The text lives until its job is done.
struct Place {
  Job* job = nullptr;
  std::size_t index = 0;
  std::string_view text;
  std::optional<std::uint64_t> tokens;  // none: not counted
};

/// Outlives the provider while a reply is on its way to it.
struct Shared {
  explicit Shared(Dispatcher given) : dispatcher(std::move(given)) {}

  std::mutex mutex;
  std::condition_variable changed;
  Dispatcher dispatcher;
  std::unordered_map<Dispatcher::TextId, Place> places;
  Dispatcher::TextId next = 0;

  void hand_out() {
    for (auto& finished : dispatcher.take_finished()) {
      const auto it = places.find(finished.text);
      it->second.job->results[it->second.index] = std::move(finished.result);
      --it->second.job->open;
      places.erase(it);
    }
  }
};

class GuardedProvider final : public Provider {
 public:
  GuardedProvider(std::unique_ptr<RemoteApi> api, Dispatcher dispatcher, Describe describe,
                  GuardedExtras extras)
      : api_(std::move(api)),
        describe_(std::move(describe)),
        extras_(std::move(extras)),
        shared_(std::make_shared<Shared>(std::move(dispatcher))) {}

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
    Job job;
    job.results.assign(texts.size(), Embedding{});
    const auto tokens = check_texts(texts, options, job);
    const std::stop_callback wake_up(options.stop, [&] {
      const std::lock_guard guard(shared_->mutex);
      shared_->changed.notify_all();
    });
    std::unique_lock lock(shared_->mutex);
    const Dispatcher::TextId first = shared_->next;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!job.results[i]) continue;
      ++job.open;
      shared_->places.emplace(shared_->next, Place{&job, i, texts[i], tokens[i]});
      shared_->dispatcher.add(now(), shared_->next++, texts[i].size(), options.role, tokens[i]);
    }
    const Dispatcher::TextId last = shared_->next;
    while (job.open > 0) {
      if (options.stop.stop_requested()) {  // again and again: what failed waits for another try
        shared_->dispatcher.cancel(first, last, make_error(ErrorKind::kCancelled, "interrupted"));
        shared_->hand_out();
      }
      if (job.open > 0) step(lock, job);
    }
    return std::move(job.results);
  }

 private:
  /// Those that cannot be sent have their errors afterwards.
  std::vector<std::optional<std::uint64_t>> check_texts(std::span<const std::string_view> texts,
                                                        const EmbedOptions& options,
                                                        Job& job) const {
    const Status possible = check(options);
    const std::uint64_t most = describe_(options).max_tokens;
    std::vector<std::optional<std::uint64_t>> tokens(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Status status = possible;
      if (status) status = sendable(texts[i]);
      // To read a vocabulary takes longer than a request with one short text can gain by it.
      const bool worth_it = texts.size() > 1 || texts[i].size() > most;
      if (status && extras_.count && worth_it) {
        tokens[i] = extras_.count(texts[i]);
        status = short_enough(*tokens[i], most);
      }
      if (!status) job.results[i] = std::move(status).error();
    }
    return tokens;
  }

  [[nodiscard]] static Status short_enough(std::uint64_t tokens, std::uint64_t most) {
    if (most == 0 || tokens <= most) return {};
    return make_error(ErrorKind::kTooLong,
                      "the text has " + std::to_string(tokens) + " tokens, " +
                          std::to_string(tokens - most) + " more than the " + std::to_string(most) +
                          " that the model takes",
                      {}, "shorten it, or cut it into parts");
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
    auto send = shared_->dispatcher.next(now());
    shared_->hand_out();
    if (send) {
      std::vector<std::string_view> texts;
      std::uint64_t most = 0;
      std::vector<std::uint64_t> parts;
      for (const auto text : send->texts) {
        const Place& place = shared_->places.at(text);
        texts.push_back(place.text);
        parts.push_back(place.tokens ? *place.tokens + tokens_around(api_->model())
                                     : most_tokens(api_->model(), place.text));
        most += parts.back();
      }
      lock.unlock();
      const auto turn = extras_.shared ? extras_.shared->admit(now(), send->demand)
                                       : SharedState::Answer{.ticket = 0};
      if (!turn.ticket) {
        lock.lock();
        shared_->dispatcher.held_back(send->call, now() + turn.ask_again);
        shared_->changed.notify_all();
        return;
      }
      const auto answer = pay({texts, send->role, most, parts});
      const bool paid = answer && answer->payment;
      const std::uint64_t tokens = std::min(most, send->demand[policy::Unit::kTokens]);
      if (paid) start(*send, texts, {*answer->payment, *turn.ticket, tokens});
      if (!paid && extras_.shared) extras_.shared->cancel(*turn.ticket);
      lock.lock();
      if (!paid) not_paid(send->call, answer);
      return;
    }
    if (job.open == 0) return;
    const Time wake = shared_->dispatcher.wake();
    if (wake == policy::kNever) {
      shared_->changed.wait(lock);
    } else {
      shared_->changed.wait_until(lock, wake);
    }
  }

  /// Where nobody is asked for money, everything is granted.
  Result<Spending::Answer> pay(const Spending::Request& request) {
    if (!extras_.spending) return Spending::Answer{.payment = 0};
    return extras_.spending->intend(request);
  }

  struct Granted {
    Spending::PaymentId payment = 0;
    SharedState::Ticket ticket = 0;
    std::uint64_t tokens = 0;  ///< counted or estimated
  };

  void start(const Dispatcher::Send& send, std::span<const std::string_view> texts,
             Granted granted) {
    api_->start(texts, send.role, send.timeout,
                [shared = shared_, call = send.call, extras = extras_, granted,
                 sent = now()](CallResult result) {
                  if (extras.spending) {
                    const bool uncounted = result.billed == Billed::kUncounted;
                    extras.spending->settle(granted.payment, result.billed,
                                            uncounted ? granted.tokens : result.tokens);
                  }
                  if (extras.shared) {
                    extras.shared->settle(granted.ticket, {result.outcome, result.tokens,
                                                           now() - sent, result.retry_after});
                  }
                  const std::lock_guard guard(shared->mutex);
                  shared->dispatcher.ended(now(), call, std::move(result));
                  shared->hand_out();
                  shared->changed.notify_all();
                });
  }

  void not_paid(Dispatcher::CallId call, const Result<Spending::Answer>& answer) {
    if (!answer) {
      shared_->dispatcher.abandoned(call, answer.error());
    } else if (answer->refusal) {
      shared_->dispatcher.unaffordable(call, *answer->refusal);
    } else {
      shared_->dispatcher.postponed(call, now() + answer->ask_again.value_or(Duration{}));
    }
    shared_->hand_out();
    shared_->changed.notify_all();
  }

  const std::unique_ptr<RemoteApi> api_;
  const Describe describe_;
  const GuardedExtras extras_;
  const std::shared_ptr<Shared> shared_;
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
