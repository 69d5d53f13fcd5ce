#include "vecmill/engine/fallback_chain.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "vecmill/engine/cache_place.h"
#include "vecmill/engine/remote_model.h"
#include "vecmill/engine/space_proof.h"
#include "vecmill/engine/spending.h"
#include "vecmill/engine/spread_provider.h"
#include "vecmill/provider/fallback_provider.h"
#include "vecmill/remote/open_remote.h"

namespace vecmill::engine {
namespace {

namespace fs = std::filesystem;
using provider::FallbackProvider;

Error bad_chain(std::string message, std::string hint) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), "--fallback", std::move(hint));
}

std::uint32_t dims_of(const OpenedModel& model) {
  return model.provider->capabilities({}).space.dims;
}

/// Opens the members of one chain and what is known of them.
class ChainBuilder {
 public:
  ChainBuilder(const ModelOptions& options, std::uint32_t threads)
      : options_(options), threads_(threads) {
    options_.fallback = {};
    options_.fallback.patience = options.fallback.after;
    if (options_.spend.run.empty()) options_.spend.run = new_run();
  }

  Result<OpenedModel> build(const FallbackOptions& wanted) {
    auto first = open(options_.model);
    if (!first && first.error().kind != ErrorKind::kUnavailable) return first.error();
    std::vector<Member> others;
    for (const std::string& name : wanted.models) {
      auto other = open(name);
      if (other) {
        others.push_back({name, std::move(*other)});
      } else if (other.error().kind == ErrorKind::kUnavailable) {
        leave_out(name, other.error().message);
      } else {
        return other.error();
      }
    }
    const bool silent = !first;
    if (silent) {  // what it is, those that stand in for it can say
      if (others.empty()) return first.error();
      first = open(options_.model, dims_of(others.front().opened));
      if (!first) return first.error();
    }
    chain_.members.push_back(member(options_.model, *first));
    chain_.members.back().out = silent;
    for (Member& other : others) VECMILL_TRY(add(other, wanted.same_space));
    VECMILL_TRY(add_degraded(wanted.degraded));
    chain_.times.patience = wanted.degraded.empty() ? wanted.patience : std::chrono::seconds(0);
    return finish(std::move(*first));
  }

 private:
  struct Member {
    std::string name;
    OpenedModel opened;
  };

  Result<OpenedModel> open(const std::string& name, std::uint32_t known_dims = 0) {
    ModelOptions options = options_;
    options.model = name;
    return open_model(options, threads_, known_dims);
  }

  [[nodiscard]] bool is_api(const std::string& name) const {
    ModelOptions options = options_;
    options.model = name;
    return is_remote(options);
  }

  void leave_out(const std::string& name, const std::string& why) {
    notes_.push_back(name + " did not answer and is not used: " + why);
  }

  provider::FallbackMember member(const std::string& name, OpenedModel& opened) {
    provider::FallbackMember member;
    member.name = name;
    for (const auto& spending : opened.spendings) {
      spendings_.push_back(spending);
      member.is_final = [spending](const Error& error) { return spending->refused(error); };
    }
    shared_.insert(shared_.end(), opened.shared.begin(), opened.shared.end());
    member.provider = is_api(name) ? std::move(opened.provider)
                                   : spread_over(std::move(opened.provider), threads_);
    return member;
  }

  Status add(Member& other, bool same_space) {
    const std::string& first = options_.model;
    const bool family = remote::in_one_space(first, other.name);
    if (!family && !same_space) {
      return bad_chain(first + " and " + other.name + " are not known to be of one space",
                       "say --same-space if they are the same weights; it is then proved");
    }
    const std::uint32_t dims = chain_.members.front().provider->capabilities({}).space.dims;
    if (dims_of(other.opened) != dims) {
      return bad_chain(first + " has " + std::to_string(dims) + " dimensions, " + other.name +
                           " has " + std::to_string(dims_of(other.opened)),
                       "leave out --fallback " + other.name);
    }
    provider::FallbackMember next = member(other.name, other.opened);
    if (!family) {
      VECMILL_ASSIGN(const bool proved, prove(next));
      if (!proved) return {};
    }
    chain_.described += (chain_.described.empty() ? "" : "; ") + other.name +
                        (family ? " (one family)" : " (by --same-space)");
    chain_.members.push_back(std::move(next));
    return {};
  }

  /// False: it is left out.
  Result<bool> prove(const provider::FallbackMember& next) {
    const provider::FallbackMember& first = chain_.members.front();
    VECMILL_ASSIGN(const fs::path folder, make_cache_folder());
    const fs::path proofs = folder / "same_space";
    std::error_code error;
    fs::create_directories(proofs, error);
    const ProofPair pair{*first.provider, *next.provider, first.name, next.name};
    VECMILL_ASSIGN(const Proof proof, prove_same_space(pair, proofs));
    if (proof == Proof::kFirstSilent) {
      return make_error(ErrorKind::kUnavailable,
                        "does not answer, and that " + next.name +
                            " gives the same vectors was not proved while it did",
                        first.name, "try again when it answers");
    }
    if (proof == Proof::kOtherSilent) leave_out(next.name, "it could not be proved the same");
    return proof == Proof::kSame;
  }

  Status add_degraded(const std::string& name) {
    if (name.empty()) return {};
    if (is_api(name)) {
      return make_error(ErrorKind::kInvalidArgument, name + " is behind an API itself",
                        "--degraded", "name a model that is here: builtin:hash");
    }
    ModelOptions options = options_;
    options.model = name;
    options.dims = chain_.members.front().provider->capabilities({}).space.dims;
    VECMILL_ASSIGN(OpenedModel opened, open_model(options, threads_));
    if (dims_of(opened) != options.dims) {
      return make_error(ErrorKind::kInvalidArgument,
                        name + " has " + std::to_string(dims_of(opened)) + " dimensions, " +
                            options_.model + " has " + std::to_string(options.dims),
                        "--degraded", "name builtin:hash, which has as many as are asked for");
    }
    chain_.degraded = spread_over(std::move(opened.provider), threads_);
    chain_.degraded_name = name;
    return {};
  }

  OpenedModel finish(OpenedModel opened) {
    std::vector<std::string> names;
    for (const auto& member : chain_.members) names.push_back(member.name);
    std::unique_ptr<FallbackProvider> made = make_fallback_provider(std::move(chain_));
    opened.tell = [chain = made.get(), names, notes = notes_](EmbedReport& report) {
      const auto answered = chain->answered();
      for (std::size_t i = 0; i < names.size(); ++i) {
        report.fallback.makers.push_back({names[i], answered[i]});
      }
      report.fallback.notes = notes;
    };
    opened.provider = std::move(made);
    opened.spendings = std::move(spendings_);
    opened.shared = std::move(shared_);
    return opened;
  }

  ModelOptions options_;  ///< of each member
  const std::uint32_t threads_;
  provider::FallbackChain chain_;
  std::vector<std::shared_ptr<ModelSpending>> spendings_;
  std::vector<std::shared_ptr<remote::SharedState>> shared_;
  std::vector<std::string> notes_;
};

}  // namespace

Result<OpenedModel> open_chain(const ModelOptions& options, std::uint32_t threads) {
  const FallbackOptions& wanted = options.fallback;
  const bool alone = wanted.models.empty() && wanted.degraded.empty();
  if (alone || !is_remote(options)) return open_model(options, threads);
  return ChainBuilder(options, threads).build(wanted);
}

Status check_degraded(const std::string& degraded, const std::string& out) {
  if (degraded.empty() || out.ends_with(".jsonl")) return {};
  return make_error(ErrorKind::kInvalidArgument, "has no place to mark the vectors of " + degraded,
                    out, "choose a .jsonl, or leave out --degraded");
}

SpendReport sum_of(const std::vector<SpendReport>& reports) {
  SpendReport sum;
  Money cost = 0, held = 0, estimated = 0;
  for (const SpendReport& report : reports) {
    sum.used = true;
    sum.requests += report.requests;
    sum.tokens += report.tokens;
    cost = add_money(cost, ledger::parse_dollars(report.cost).value_or(0));
    held = add_money(held, ledger::parse_dollars(report.held).value_or(0));
    estimated = add_money(estimated, ledger::parse_dollars(report.estimated).value_or(0));
    for (const std::string& alert : report.alerts) {
      if (std::ranges::find(sum.alerts, alert) == sum.alerts.end()) sum.alerts.push_back(alert);
    }
  }
  sum.cost = ledger::format_dollars(cost);
  sum.held = ledger::format_dollars(held);
  sum.estimated = ledger::format_dollars(estimated);
  return sum;
}

}  // namespace vecmill::engine
