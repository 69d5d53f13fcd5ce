#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "vecmill/cache/key.h"
#include "vecmill/cost.h"
#include "vecmill/ledger/ledger.h"
#include "vecmill/remote/spending.h"

namespace vecmill::engine {

[[nodiscard]] Date ledger_now();

/// The name of a run that no other has.
[[nodiscard]] std::string new_run();

/// Where the options say that the ledger is; its folder is made if it is not there.
Result<std::filesystem::path> ledger_path(const std::string& path);

/// Prices and budgets of the options.
///   errors  kInvalidArgument: no amount of money; those of PriceBook::add and of ledger::check
Result<ledger::PriceBook> prices_of(const SpendOptions& options);
Result<std::vector<ledger::Budget>> budgets_of(const SpendOptions& options);

/// What a model costs today.
///   errors  as prices_of; kInvalidArgument: the price is not known
Result<ledger::Price> price_of(const SpendOptions& options, const std::string& provider,
                               const std::string& model);

/// Answers for what one model costs: in the ledger, within the budgets.
class ModelSpending final : public remote::Spending {
 public:
  /// `model`: "voyage:voyage-code-3".
  ///   errors  as prices_of, budgets_of, Ledger::open; kInvalidArgument: the price is not known
  static Result<std::shared_ptr<ModelSpending>> open(const SpendOptions& options,
                                                     const std::string& model, std::uint32_t dims);

  Result<Answer> intend(const Request& request) override;
  void settle(PaymentId payment, remote::Billed billed, std::uint64_t tokens) override;

  [[nodiscard]] SpendReport report() const;

  /// Whether it was a budget that said this.
  [[nodiscard]] bool refused(const Error& error) const;

 private:
  ModelSpending() = default;

  std::unique_ptr<ledger::Ledger> ledger_;
  std::vector<ledger::Budget> budgets_;
  ledger::Call call_;  ///< what all calls have in common
  std::unique_ptr<cache::KeyMaker> keys_;
  Money price_ = 0;  ///< per million tokens

  mutable std::mutex mutex_;  ///< over what follows
  std::map<PaymentId, Money> open_;
  std::uint64_t requests_ = 0, tokens_ = 0;
  Money cost_ = 0, held_ = 0;
  std::vector<std::string> alerts_;
  std::optional<Error> refusal_;  ///< the last
};

}  // namespace vecmill::engine
