#include "vecmill/ledger/decision.h"

#include <algorithm>
#include <utility>

namespace vecmill::ledger {
namespace {

std::string call_name(CallId id) { return "call " + std::to_string(id); }

}  // namespace

Result<Decision> Decision::about(std::span<const Call> calls, const LedgerOptions& options,
                                 Date now) {
  Decision decision(options, now);
  std::size_t texts = 0;
  for (std::size_t at = 0; at < calls.size(); ++at) {
    const Call& call = calls[at];
    VECMILL_TRY(check(call));
    VECMILL_ASSIGN(const Price price, options.prices.find(call.provider, call.model, now));
    decision.amounts_.push_back(cost_of(call.most_tokens, price.per_million));
    decision.prices_.push_back(price.per_million);
    decision.ask(calls, at);
    texts += call.texts.size();
  }
  decision.in_parts_ = texts > 1;
  return decision;
}

void Decision::ask(std::span<const Call> calls, std::size_t at) {
  if (amounts_[at] == 0) return;
  for (std::size_t i = 0; i < options_->budgets.size(); ++i) {
    const Budget& budget = options_->budgets[i];
    auto scope = scope_for(budget, calls[at]);
    if (!scope) continue;
    Question question{at, i, std::move(*scope), start_of(budget.limit.span, now_), amounts_[at]};
    for (std::size_t earlier = 0; earlier < at; ++earlier) {
      const auto scopes = scopes_of(calls[earlier]);
      if (std::ranges::find(scopes, question.scope) == scopes.end()) continue;
      question.before = add_money(question.before, amounts_[earlier]);
    }
    questions_.push_back(std::move(question));
  }
}

BudgetRule Decision::rule_of(const Question& question) const {
  const Budget& budget = options_->budgets[question.budget];
  return {budget.limit, budget.pace.value_or(options_->pace)};
}

std::optional<Money> Decision::most_used(const Question& question) const {
  const Money most = rule_of(question).most(question.start, now_);
  const Money asked = add_money(question.before, question.amount);
  return asked > most ? std::nullopt : std::optional(most - asked);
}

Answer Decision::answer(std::span<const Money> used) const {
  Answer answer{.ask_again = now_};
  std::vector<Alert> near;
  for (std::size_t i = 0; i < questions_.size(); ++i) {
    const Question& asked = questions_[i];
    // Of a request that is refused the calls behind it are not looked at.
    if (answer.verdict != Verdict::kGranted && asked.call != questions_[i - 1].call) break;
    const Budget& budget = options_->budgets[asked.budget];
    const BudgetRule rule = rule_of(asked);
    const Money counts = add_money(used[i], asked.before);
    const Date end = end_of(budget.limit.span, asked.start);
    const Date at = rule.ready(asked.start, counts, asked.amount);
    Alert alert{Alert::Level::kStopped, budget, asked.scope, asked.start, counts};
    // Of what is smaller some may yet be let through.
    if (at >= end && !in_parts_) answer.alerts.push_back(alert);
    if (at > answer.ask_again) {
      answer.ask_again = at;
      answer.budget = asked.budget;
      answer.verdict = at < end ? Verdict::kThrottled : Verdict::kStopped;
    }
    alert.level = Alert::Level::kNear;
    alert.used = add_money(counts, asked.amount);
    if (rule.alerts(alert.used)) near.push_back(std::move(alert));
  }
  if (answer.verdict == Verdict::kGranted) answer.alerts = std::move(near);
  return answer;
}

std::string name_of(const Alert& alert) {
  const auto& [span, limit] = alert.budget.limit;
  return alert.scope + "/" + std::to_string(static_cast<int>(span)) + "/" + std::to_string(limit);
}

Status check(CallId id, const Settlement& settlement) {
  if (settlement.tokens <= kMaxTokens) return {};
  return make_error(ErrorKind::kInvalidData, "more tokens billed than a call can have",
                    call_name(id), "settle it as unknown");
}

Result<bool> changes(const Entry& entry, const Settlement& settlement) {
  if (settlement.bill == Bill::kUnknown) return entry.bill == Bill::kOpen;
  if (entry.bill == Bill::kOpen || entry.bill == Bill::kUnknown) return true;
  if (settlement.bill == entry.bill && settlement.counted() == entry.tokens) return false;
  return settled_otherwise(entry.id);
}

Error settled_otherwise(CallId id) {
  return make_error(ErrorKind::kMismatch, "was settled otherwise before", call_name(id),
                    "the first settlement stands");
}

Error no_such_call(CallId id, const std::string& place) {
  return make_error(ErrorKind::kNotFound, "there is no call " + std::to_string(id), place,
                    "only an intent makes one");
}

Error refusal(const Answer& answer, const std::vector<Budget>& budgets, Date now) {
  const Budget& budget = budgets[answer.budget];
  const bool is_throttled = answer.verdict == Verdict::kThrottled;
  if (budget.limit.limit == 0) {
    return make_error(ErrorKind::kLimited, "nothing may be spent", describe(budget),
                      "raise the budget, or use a local model, which is free");
  }
  const char* hint = is_throttled ? "it goes on by itself; raise the budget to go faster"
                                  : "raise the budget, or use a local model, which is free";
  Error error =
      make_error(ErrorKind::kLimited,
                 is_throttled ? "lets no more through for now" : "has no room for the call",
                 describe(budget), hint);
  if (answer.ask_again != Date::max()) error.retry_after = answer.ask_again - now;
  return error;
}

}  // namespace vecmill::ledger
