#include "vecmill/ledger/advice.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "vecmill/base/wide.h"
#include "vecmill/ledger/repeats.h"

namespace vecmill::ledger {
namespace {

std::string name_of(const Call& call) { return call.provider + ":" + call.model; }

/// What the calls of the period show, call by call.
class Study {
 public:
  Study(const PriceBook& prices, const AdviceOptions& options)
      : prices_(prices), options_(options), all_(prices.all()) {}

  void look_at(const Entry& entry) {
    if (!is_billed(entry.bill) || entry.cost == 0) return;
    look_at_texts(entry);
    const auto price = prices_.find(entry.call.provider, entry.call.model, entry.made);
    if (!price) return;
    if (price->batch && !entry.call.urgent) save(entry, Saving::kBatchApi, "", *price->batch);
    if (const auto cheapest = cheapest_in_space(*price, entry.made))
      save(entry, Saving::kModel, cheapest->model, cheapest->per_million);
    sizes_[name_of(entry.call)] = price->dims;
  }

  [[nodiscard]] std::vector<Advice> advice() const {
    std::vector<Advice> all;
    for (const auto& [key, saves] : savings_) {
      const auto& [saving, model, other] = key;
      if (saves > 0) all.push_back({saving, model, saves, text(saving, other)});
    }
    add_dimensions(all);
    std::stable_sort(all.begin(), all.end(),
                     [](const Advice& a, const Advice& b) { return a.saves > b.saves; });
    return all;
  }

 private:
  using Key = std::tuple<Saving, std::string, std::string>;  // model, the other model

  void look_at_texts(const Entry& entry) {
    std::vector<std::uint32_t> tokens;
    for (const TextUse& text : entry.call.texts) tokens.push_back(text.tokens);
    const std::vector<Money> shares = share_cost(entry.cost, tokens);
    std::unordered_set<std::uint64_t> in_call;
    auto& vectors = vectors_[{name_of(entry.call), entry.call.dims}];
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::uint64_t key = entry.call.texts[i].key;
      const bool is_in_call = !in_call.insert(key).second;
      const auto distance = repeats_.use(key);
      vectors.insert(key);
      if (!distance) continue;
      const bool was_near = is_in_call || *distance < options_.cache_vectors;
      if (!was_near) needed_ = std::max(needed_, *distance + 1);
      savings_[{was_near ? Saving::kDuplicates : Saving::kCacheSize, name_of(entry.call), ""}] +=
          shares[i];
    }
  }

  void save(const Entry& entry, Saving saving, const std::string& other, Money price) {
    const Money instead = cost_of(entry.tokens, price);
    savings_[{saving, name_of(entry.call), other}] += entry.cost - std::min(entry.cost, instead);
  }

  [[nodiscard]] std::optional<Price> cheapest_in_space(const Price& price, Date date) const {
    std::optional<Price> cheapest;
    for (const Price& other : all_) {
      if (price.space.empty() || other.space != price.space || other.provider != price.provider)
        continue;
      const auto then = prices_.find(other.provider, other.model, date);
      if (!then || then->space != price.space || then->per_million >= price.per_million) continue;
      if (!cheapest || then->per_million < cheapest->per_million) cheapest = *then;
    }
    return cheapest;
  }

  [[nodiscard]] std::string text(Saving saving, const std::string& other) const {
    switch (saving) {
      case Saving::kDuplicates:
        return "texts were sent that had been paid for: let the cache see every text";
      case Saving::kCacheSize:
        return "texts were sent again that had been dropped: give the cache room for " +
               std::to_string(needed_) + " vectors";
      case Saving::kModel:
        return "use " + other + ": its vectors are of the same space; check the quality";
      case Saving::kBatchApi:
        return "nobody waited for these calls: the batch API of the provider is cheaper";
      case Saving::kDimensions: break;
    }
    return "make vectors of " + other + " dimensions: less to store; check the quality";
  }

  void add_dimensions(std::vector<Advice>& all) const {
    for (const auto& [model, keys] : vectors_) {
      const auto& [name, dims] = model;
      const auto sizes = sizes_.find(name);
      if (sizes == sizes_.end()) continue;
      const auto& offered = sizes->second;
      const auto next = std::lower_bound(offered.begin(), offered.end(), dims);
      if (next == offered.begin()) continue;
      const std::uint32_t smaller = *std::prev(next);
      const std::uint64_t bytes = keys.size() * (dims - smaller) * sizeof(float);
      const Money saves = scale_down(bytes, options_.gigabyte_month, 1'000'000'000);
      if (saves > 0)
        all.push_back(
            {Saving::kDimensions, name, saves, text(Saving::kDimensions, std::to_string(smaller))});
    }
  }

  const PriceBook& prices_;
  const AdviceOptions& options_;
  const std::vector<Price> all_;
  ReuseDistance repeats_;
  std::uint64_t needed_ = 0;  ///< vectors that a cache for all repeats has room for
  std::map<Key, Money> savings_;
  std::map<std::pair<std::string, std::uint32_t>, std::unordered_set<std::uint64_t>> vectors_;
  std::map<std::string, std::vector<std::uint32_t>> sizes_;
};

}  // namespace

Result<std::vector<Advice>> advise(CallLog& log, const PriceBook& prices,
                                   const AdviceOptions& options) {
  Study study(prices, options);
  VECMILL_TRY(log.for_each({options.from, options.to, true},
                           [&](const Entry& entry) { study.look_at(entry); }));
  return study.advice();
}

}  // namespace vecmill::ledger
