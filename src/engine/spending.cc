#include "vecmill/engine/spending.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <tuple>
#include <utility>

#include "vecmill/base/check.h"
#include "vecmill/base/hmac.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/cache/secret.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/hub/store.h"
#include "vecmill/ledger/alert_text.h"
#include "vecmill/remote/dialect.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using remote::Billed;

std::chrono::sys_days today() { return std::chrono::floor<std::chrono::days>(ledger_now()); }

Result<std::unique_ptr<cache::KeyMaker>> key_maker(const std::string& model,
                                                   const std::string& tenant) {
  VECMILL_ASSIGN(const fs::path folder, make_cache_folder());
  auto secret = cache::tenant_secret(folder / "secret");
  if (!secret) return unusable_file(std::move(secret).error());
  return std::make_unique<cache::KeyMaker>(secret_of_tenant(*secret, tenant), "ledger " + model);
}

/// With what --price says, where nothing else does.
Result<ledger::PriceBook> prices_for(const SpendOptions& options, const std::string& provider,
                                     const std::string& model) {
  VECMILL_ASSIGN(ledger::PriceBook book, prices_of(options));
  if (options.price.empty() || book.find(provider, model, ledger_now())) return book;
  const auto price = ledger::parse_price(options.price);
  if (!price) {
    return make_error(ErrorKind::kInvalidArgument, "\"" + options.price + "\" is no price",
                      "--price", "write it like 0.02: dollars per million tokens, 10000 at most");
  }
  VECMILL_TRY(book.add(provider + "," + model + "," + ledger::format_day(today()) + "," +
                           ledger::format_dollars(*price) + "\n",
                       "--price"));
  return book;
}

Result<ledger::Price> find_price(const ledger::PriceBook& book, const std::string& provider,
                                 const std::string& model) {
  auto price = book.find(provider, model, ledger_now());
  if (price) return price;
  Error error = std::move(price).error();
  error.hint = "say --price with dollars per million tokens, or " + error.hint;
  return error;
}

}  // namespace

Date ledger_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string new_run() {
  std::random_device random;
  return ledger::format_day(today()) + "-" + std::to_string(random()) + "-" +
         std::to_string(getpid());
}

Result<ledger::Price> price_of(const SpendOptions& options, const std::string& provider,
                               const std::string& model) {
  VECMILL_ASSIGN(const ledger::PriceBook book, prices_for(options, provider, model));
  return find_price(book, provider, model);
}

Result<std::string> ledger_place(const std::string& place) {
  if (!place.empty()) return place;
  VECMILL_ASSIGN(const auto paths, hub::StorePaths::from_environment());
  return (paths.home / "ledger.db").string();
}

std::string secret_of_tenant(const std::string& secret, const std::string& tenant) {
  return tenant.empty() ? secret : hmac_sha256_hex(secret, "vecmill-tenant " + tenant);
}

Result<ledger::PriceBook> prices_of(const SpendOptions& options) {
  ledger::PriceBook book = ledger::PriceBook::built_in();
  if (!options.price_file.empty()) {
    VECMILL_ASSIGN(const MappedFile file, MappedFile::open(options.price_file));
    VECMILL_TRY(book.add(file.text(), options.price_file));
  }
  return book;
}

Result<std::shared_ptr<ModelSpending>> ModelSpending::open(const SpendOptions& options,
                                                           const std::string& model,
                                                           std::uint32_t dims) {
  std::shared_ptr<ModelSpending> spending(new ModelSpending);
  const std::size_t colon = model.find(':');
  spending->call_ = {.provider = model.substr(0, colon), .model = model.substr(colon + 1)};
  spending->call_.run = options.run.empty() ? new_run() : options.run;
  spending->call_.tags = options.tags;
  spending->call_.tenant = options.tenant;
  spending->call_.dims =
      dims > 0 ? dims : remote::find_model(spending->call_.provider, spending->call_.model).dims;
  VECMILL_TRY(ledger::check(spending->call_));
  ledger::LedgerOptions book;
  const auto& [provider, name] = std::tie(spending->call_.provider, spending->call_.model);
  VECMILL_ASSIGN(book.prices, prices_for(options, provider, name));
  VECMILL_ASSIGN(const ledger::Price price, find_price(book.prices, provider, name));
  spending->price_ = price.per_million;
  VECMILL_ASSIGN(spending->budgets_, budgets_of(options));
  book.budgets = spending->budgets_;
  VECMILL_ASSIGN(book.place, ledger_place(options.ledger));
  VECMILL_ASSIGN(spending->keys_, key_maker(model, options.tenant));
  VECMILL_ASSIGN(spending->alert_sender_, AlertSender::open(options.alerts));
  VECMILL_ASSIGN(spending->ledger_, ledger::open_ledger(std::move(book)));
  return spending;
}

/// Most requests are one call.
std::vector<ledger::Call> ModelSpending::calls_of(const Request& request) const {
  VECMILL_CHECK(request.parts.size() == request.texts.size());
  std::map<ledger::Tags, ledger::Call> calls;
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    const std::string_view text = request.texts[i];
    ledger::Tags tags = text_tags_.of(text);
    tags.insert(call_.tags.begin(), call_.tags.end());
    const auto [place, is_new] = calls.try_emplace(std::move(tags), call_);
    ledger::Call& call = place->second;
    if (is_new) call.tags = place->first;
    // What each text has is not known before the reply; its part of the most is its part of it.
    const std::uint64_t most = request.parts[i];
    call.texts.push_back({(*keys_)(text).prefix(), static_cast<std::uint32_t>(most)});
    call.most_tokens += most;
    call.urgent = request.role == Role::kQuery;
  }
  std::vector<ledger::Call> list;
  list.reserve(calls.size());
  for (auto& [tags, call] : calls) list.push_back(std::move(call));
  return list;
}

void ModelSpending::tell(const ledger::Answer& answer, Date now) {
  for (const ledger::Alert& alert : answer.alerts) {
    const std::string line = ledger::alert_line(alert);
    {
      const std::lock_guard lock(mutex_);
      alerts_.push_back(line);
    }
    alert_sender_->send({line, ledger::alert_payload(alert)});
  }
  if (answer.verdict != ledger::Verdict::kThrottled) return;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(told_of_waiting_, true)) return;
  }
  alert_sender_->note(ledger::refusal(answer, budgets_, now).to_string() +
                      " (the next request in " + std::to_string((answer.ask_again - now).count()) +
                      " s)");
}

Result<remote::Spending::Answer> ModelSpending::intend(const Request& request) {
  const std::vector<ledger::Call> calls = calls_of(request);
  const Date now = ledger_now();
  VECMILL_ASSIGN(const ledger::Answer answer, ledger_->intent(calls, now));
  tell(answer, now);
  if (answer.verdict == ledger::Verdict::kThrottled) {
    return Answer{.ask_again = std::max(answer.ask_again - now, std::chrono::seconds(1))};
  }
  if (answer.verdict == ledger::Verdict::kStopped) {
    const std::lock_guard lock(mutex_);
    refusal_ = ledger::refusal(answer, budgets_, now);
    return Answer{.refusal = refusal_};
  }
  Open open;
  for (const ledger::Call& call : calls) {
    open.most = add_money(open.most, ledger::cost_of(call.most_tokens, price_));
    open.weights.push_back(static_cast<std::uint32_t>(call.most_tokens));
  }
  const std::lock_guard lock(mutex_);
  ++requests_;
  open_.emplace(answer.call, std::move(open));
  return Answer{.payment = answer.call};
}

void ModelSpending::settle(PaymentId payment, Billed billed, std::uint64_t tokens) {
  Open open;
  {
    const std::lock_guard lock(mutex_);
    open = std::move(open_.extract(payment).mapped());
  }
  // Where nobody bills, what is not known costs nothing either.
  const bool is_free = billed == Billed::kUnknown && price_ == 0;
  ledger::Settlement settlement;
  if (billed == Billed::kNo) settlement.bill = ledger::Bill::kNotBilled;
  if (billed == Billed::kYes || is_free) settlement.bill = ledger::Bill::kBilled;
  if (billed == Billed::kUncounted) settlement.bill = ledger::Bill::kEstimated;
  const bool is_billed = ledger::is_billed(settlement.bill);
  std::vector<ledger::Settlement> settlements(open.weights.size(), settlement);
  Money cost = 0;
  if (is_billed) {
    // By the most that each can have: no part is above what was reserved for it, if the sum is not.
    const std::vector<std::uint64_t> parts = ledger::share_cost(tokens, open.weights);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      settlements[i].tokens = parts[i];
      cost = add_money(cost, ledger::cost_of(std::min(parts[i], ledger::kMaxTokens), price_));
    }
  }
  // A call that cannot be settled (absurd tokens, a full disk) stays held, as one of unknown end.
  const bool settled = ledger_->settle(payment, settlements).has_value();
  const std::lock_guard lock(mutex_);
  if (!settled || settlement.bill == ledger::Bill::kUnknown) {
    held_ = add_money(held_, open.most);
  } else if (is_billed) {
    tokens_ += tokens;
    cost_ = add_money(cost_, cost);
    if (billed == Billed::kUncounted) estimated_ = add_money(estimated_, cost);
  }
}

SpendReport ModelSpending::report() const {
  const std::lock_guard lock(mutex_);
  SpendReport report;
  report.used = true;
  report.requests = requests_;
  report.tokens = tokens_;
  report.cost = ledger::format_dollars(cost_);
  report.held = ledger::format_dollars(held_);
  report.estimated = ledger::format_dollars(estimated_);
  report.alerts = alerts_;
  return report;
}

bool ModelSpending::refused(const Error& error) const {
  const std::lock_guard lock(mutex_);
  return refusal_ && refusal_->message == error.message && refusal_->where == error.where;
}

}  // namespace vecmill::engine
