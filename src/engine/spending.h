#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "vecmill/cache/key.h"
#include "vecmill/cost.h"
#include "vecmill/engine/alert_sender.h"
#include "vecmill/engine/budget_options.h"
#include "vecmill/engine/text_tags.h"
#include "vecmill/ledger/ledger.h"
#include "vecmill/remote/spending.h"

namespace vecmill::engine {

[[nodiscard]] Date ledger_now();

/// The name of a run that no other has.
[[nodiscard]] std::string new_run();

/// Where the options say that the ledger is.
Result<std::string> ledger_place(const std::string& place);

/// Prices of the options.
///   errors  kInvalidArgument: no amount of money; those of PriceBook::add
Result<ledger::PriceBook> prices_of(const SpendOptions& options);

/// What names mean for a tenant: another secret for each, made from that of the machine.
[[nodiscard]] std::string secret_of_tenant(const std::string& secret, const std::string& tenant);

/// What a model costs today.
///   errors  as prices_of; kInvalidArgument: the price is not known
Result<ledger::Price> price_of(const SpendOptions& options, const std::string& provider,
                               const std::string& model);

/// Answers for what one model costs: in the ledger, within the budgets.
class ModelSpending final : public remote::Spending {
 public:
  /// `model`: "voyage:voyage-code-3".
  ///   errors  as prices_of, budgets_of, AlertSender::open, open_ledger; kInvalidArgument: the
  ///           price is not known
  static Result<std::shared_ptr<ModelSpending>> open(const SpendOptions& options,
                                                     const std::string& model, std::uint32_t dims);

  Result<Answer> intend(const Request& request) override;
  void settle(PaymentId payment, remote::Billed billed, std::uint64_t tokens) override;

  /// What the next requests are for; see TextTags::set.
  Status set_tags(std::span<const Record> records, const std::vector<std::string>& fields) {
    return text_tags_.set(records, fields);
  }

  [[nodiscard]] SpendReport report() const;

  /// Whether it was a budget that said this.
  [[nodiscard]] bool refused(const Error& error) const;

 private:
  /// One request: a call in the ledger for each set of tags that its texts have, with the ids from
  /// that of the payment on.
  struct Open {
    Money most = 0;
    std::vector<std::uint32_t> weights = {};  ///< [calls] the most tokens of each
  };

  ModelSpending() = default;
  [[nodiscard]] std::vector<ledger::Call> calls_of(const Request& request) const;
  void tell(const ledger::Answer& answer, Date now);

  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<AlertSender> alert_sender_;
  std::vector<ledger::Budget> budgets_;
  ledger::Call call_;  ///< what all calls have in common
  TextTags text_tags_;
  std::unique_ptr<cache::KeyMaker> keys_;
  Money price_ = 0;  ///< per million tokens

  mutable std::mutex mutex_;  ///< over what follows
  std::map<PaymentId, Open> open_;
  std::uint64_t requests_ = 0, tokens_ = 0;
  Money cost_ = 0, held_ = 0, estimated_ = 0;
  std::vector<std::string> alerts_;
  std::optional<Error> refusal_;  ///< the last
  bool told_of_waiting_ = false;
};

}  // namespace vecmill::engine
