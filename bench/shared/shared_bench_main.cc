// What a limit costs that processes share: shared_bench PLACE..., each postgres://... or
// unix:///socket of a Redis. A request asks limits and breaker before and tells both after: four
// questions. Rounds of all places take turns; a line a place and number of askers, each with a
// connection of its own: requests a second, median (least to most).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/remote/common_state.h"
#include "vecmill/remote/postgres_state.h"
#include "vecmill/remote/redis_state.h"

namespace vecmill::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using policy::Unit;
using remote::CommonState;

constexpr int kRequests = 2'000, kRounds = 5;
constexpr std::array kAskers{1, 4};

std::unique_ptr<remote::StateServer> server_of(const std::string& place, const std::string& name) {
  if (place.starts_with("postgres")) {
    return remote::make_postgres_state(std::make_shared<postgres::Client>(postgres::ClientOptions{
                                           .url = *postgres::parse_database(place),
                                           .objects = &remote::state_objects(),
                                           .connect_within = 5s,
                                           .answer_within = 5s}),
                                       name);
  }
  redis::ClientOptions options;
  options.address = *redis::parse_address(place);
  options.answer_within = 5s;
  return remote::make_redis_state(std::make_shared<redis::Client>(options), name);
}

void ask(CommonState& state, int requests) {
  policy::Demand demand;
  demand[Unit::kRequests] = 1;
  demand[Unit::kTokens] = 500;
  for (int i = 0; i < requests; ++i) {
    const auto ticket = state.admit(Clock::now(), demand).ticket;
    VECMILL_CHECK(ticket.has_value());
    state.settle(*ticket, {.tokens = 400});
  }
}

double rate(const std::string& place, int askers) {
  constexpr std::uint64_t kMuch = 1'000'000'000;
  remote::CommonStateOptions options;
  options.limits = {policy::token_bucket(Unit::kRequests, kMuch, 1min),
                    policy::token_bucket(Unit::kTokens, kMuch, 1min)};
  std::vector<std::unique_ptr<CommonState>> states;
  for (int i = 0; i < askers; ++i) {
    options.worker = std::to_string(i);
    states.push_back(std::make_unique<CommonState>(server_of(place, "bench"), options));
    ask(*states.back(), 10);
  }
  const auto start = Clock::now();
  std::vector<std::jthread> threads;
  for (const auto& state : states) {
    threads.emplace_back([&] { ask(*state, kRequests / askers); });
  }
  threads.clear();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (const auto& state : states) VECMILL_CHECK(state->stats().alone == 0);
  return kRequests / seconds;
}

int main_of(const std::vector<std::string>& places) {
  for (const int askers : kAskers) {
    std::vector<std::vector<double>> rates(places.size());
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < places.size(); ++i) rates[i].push_back(rate(places[i], askers));
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::ranges::sort(rates[i]);
      std::printf("%s, %d asking: %.0f (%.0f to %.0f) requests/s\n",
                  places[i].substr(0, places[i].find(':')).c_str(), askers, rates[i][kRounds / 2],
                  rates[i].front(), rates[i].back());
    }
  }
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int count, char** words) {
  return vecmill::bench::main_of(std::vector<std::string>(words + 1, words + count));
}
