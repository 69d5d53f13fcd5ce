#include "vecmill/engine/spending.h"

#include <unistd.h>

#include <chrono>
#include <random>
#include <tuple>
#include <utility>

#include "vecmill/base/mapped_file.h"
#include "vecmill/cache/secret.h"
#include "vecmill/engine/cache_place.h"
#include "vecmill/hub/store.h"
#include "vecmill/ledger/alert_text.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using remote::Billed;

std::chrono::sys_days today() { return std::chrono::floor<std::chrono::days>(ledger_now()); }

Result<Money> dollars(const std::string& text, const std::string& where) {
  if (const auto money = ledger::parse_dollars(text)) return *money;
  return make_error(ErrorKind::kInvalidArgument, "\"" + text + "\" is no amount of dollars", where,
                    "write it like 5 or 0.25");
}

Result<std::unique_ptr<cache::KeyMaker>> key_maker(const std::string& model) {
  VECMILL_ASSIGN(const fs::path folder, make_cache_folder());
  auto secret = cache::tenant_secret(folder / "secret");
  if (!secret) return unusable_file(std::move(secret).error());
  return std::make_unique<cache::KeyMaker>(*secret, "ledger " + model);
}

/// With what --price says, where nothing else does.
Result<ledger::PriceBook> prices_for(const SpendOptions& options, const std::string& provider,
                                     const std::string& model) {
  VECMILL_ASSIGN(ledger::PriceBook book, prices_of(options));
  if (options.price.empty() || book.find(provider, model, ledger_now())) return book;
  VECMILL_ASSIGN(const Money price, dollars(options.price, "--price"));
  VECMILL_TRY(book.add(provider + "," + model + "," + ledger::format_day(today()) + "," +
                           ledger::format_dollars(price) + "\n",
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

Result<fs::path> ledger_path(const std::string& path) {
  if (!path.empty()) return fs::path(path);
  VECMILL_ASSIGN(const fs::path cache, make_cache_folder());
  return cache.parent_path() / "ledger.db";
}

Result<ledger::PriceBook> prices_of(const SpendOptions& options) {
  ledger::PriceBook book = ledger::PriceBook::built_in();
  if (!options.price_file.empty()) {
    VECMILL_ASSIGN(const MappedFile file, MappedFile::open(options.price_file));
    VECMILL_TRY(book.add(file.text(), options.price_file));
  }
  return book;
}

Result<std::vector<ledger::Budget>> budgets_of(const SpendOptions& options) {
  std::vector<ledger::Budget> budgets;
  const auto add = [&](const std::string& text, Span span, const char* where) -> Status {
    if (text.empty()) return {};
    VECMILL_ASSIGN(const Money limit, dollars(text, where));
    budgets.push_back({{span, limit}});
    return {};
  };
  VECMILL_TRY(add(options.max_cost, Span::kRun, "--max-cost"));
  VECMILL_TRY(add(options.daily_budget, Span::kDay, "budget.day"));
  VECMILL_TRY(add(options.monthly_budget, Span::kMonth, "budget.month"));
  VECMILL_TRY(ledger::check(budgets));
  return budgets;
}

Result<std::shared_ptr<ModelSpending>> ModelSpending::open(const SpendOptions& options,
                                                           const std::string& model,
                                                           std::uint32_t dims) {
  std::shared_ptr<ModelSpending> spending(new ModelSpending);
  const std::size_t colon = model.find(':');
  spending->call_ = {.provider = model.substr(0, colon), .model = model.substr(colon + 1)};
  spending->call_.run = options.run.empty() ? new_run() : options.run;
  spending->call_.tags = options.tags;
  spending->call_.dims = dims;
  VECMILL_TRY(ledger::check(spending->call_));
  ledger::LedgerOptions book;
  const auto& [provider, name] = std::tie(spending->call_.provider, spending->call_.model);
  VECMILL_ASSIGN(book.prices, prices_for(options, provider, name));
  VECMILL_ASSIGN(const ledger::Price price, find_price(book.prices, provider, name));
  spending->price_ = price.per_million;
  VECMILL_ASSIGN(spending->budgets_, budgets_of(options));
  book.budgets = spending->budgets_;
  VECMILL_ASSIGN(book.path, ledger_path(options.ledger));
  VECMILL_ASSIGN(spending->keys_, key_maker(model));
  VECMILL_ASSIGN(spending->ledger_, ledger::Ledger::open(std::move(book)));
  return spending;
}

Result<remote::Spending::Answer> ModelSpending::intend(const Request& request) {
  ledger::Call call = call_;
  call.urgent = request.role == Role::kQuery;
  call.most_tokens = request.most_tokens;
  for (const std::string_view text : request.texts) {
    // What each text has is not known before the reply; its part of the bytes is its part of it.
    call.texts.push_back(
        {(*keys_)(text).prefix(), static_cast<std::uint32_t>(text.size() / 4 + 1)});
  }
  const Date now = ledger_now();
  VECMILL_ASSIGN(const ledger::Answer answer, ledger_->intent(call, now));
  const std::lock_guard lock(mutex_);
  for (const ledger::Alert& alert : answer.alerts) alerts_.push_back(ledger::alert_line(alert));
  if (answer.verdict == ledger::Verdict::kThrottled) {
    return Answer{.ask_again = std::max(answer.ask_again - now, std::chrono::seconds(1))};
  }
  if (answer.verdict == ledger::Verdict::kStopped) {
    refusal_ = ledger::refusal(answer, budgets_, now);
    return Answer{.refusal = refusal_};
  }
  ++requests_;
  open_.emplace(answer.call, ledger::cost_of(request.most_tokens, price_));
  return Answer{.payment = answer.call};
}

void ModelSpending::settle(PaymentId payment, Billed billed, std::uint64_t tokens) {
  ledger::Settlement settlement;
  if (billed == Billed::kNo) settlement.bill = ledger::Bill::kNotBilled;
  // Where nobody bills, what is not known costs nothing either.
  if (billed == Billed::kYes || (billed == Billed::kUnknown && price_ == 0)) {
    settlement = {ledger::Bill::kBilled, tokens};
  }
  // A call that cannot be settled (absurd tokens, a full disk) stays held, as one of unknown end.
  const bool settled = ledger_->settle(payment, settlement).has_value();
  const std::lock_guard lock(mutex_);
  const Money most = open_.extract(payment).mapped();
  if (!settled || settlement.bill == ledger::Bill::kUnknown) {
    held_ = add_money(held_, most);
  } else if (settlement.bill == ledger::Bill::kBilled) {
    tokens_ += tokens;
    cost_ = add_money(cost_, ledger::cost_of(tokens, price_));
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
  report.alerts = alerts_;
  return report;
}

bool ModelSpending::refused(const Error& error) const {
  const std::lock_guard lock(mutex_);
  return refusal_ && refusal_->message == error.message && refusal_->where == error.where;
}

}  // namespace vecmill::engine
