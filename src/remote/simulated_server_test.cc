#include "vecmill/remote/simulated_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace vecmill::remote {
namespace {

using namespace std::chrono_literals;
using policy::Random;

const Secret kKey{"sk-simulated"};
constexpr std::string_view kModel = "m-1";

std::string base64_of(std::span<const float> vector) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0, bytes = 0;
  const auto flush = [&](std::uint32_t digits) {
    for (std::uint32_t i = 0; i < digits; ++i) text += kDigits[bits >> (18 - 6 * i) & 63];
    text.append(4 - digits, '=');
    bits = bytes = 0;
  };
  for (const float x : vector) {
    for (int shift = 0; shift < 32; shift += 8) {
      bits |= (std::bit_cast<std::uint32_t>(x) >> shift & 255U) << (16 - 8 * bytes);
      if (++bytes == 3) flush(4);
    }
  }
  if (bytes > 0) flush(bytes + 1);
  return text;
}

std::string numbers_of(std::span<const float> vector) {
  std::string text;
  for (const float x : vector) {
    // JSON has no infinity; what is beyond a float becomes one.
    text += (text.empty() ? "" : ",") + (std::abs(x) < 1e30F ? std::to_string(x) : "-1e39");
  }
  return text;
}

struct Row {
  std::size_t index;
  std::vector<float> vector;
};

void spoil(std::vector<Row>& rows, Fault fault, Random& random) {
  Row& row = rows[random.below(rows.size())];
  Row& other = rows[(&row - rows.data() + 1) % static_cast<std::ptrdiff_t>(rows.size())];
  switch (fault) {
    case Fault::kShort: rows.resize(random.below(rows.size())); break;
    case Fault::kTwice: row.index = &row == &other ? 1 : other.index; break;
    case Fault::kSame: row.vector = &row == &other ? std::vector<float>(4) : other.vector; break;
    case Fault::kNotFinite:
      row.vector[random.below(4)] = -std::numeric_limits<float>::infinity();
      break;
    case Fault::kOtherDims: row.vector.resize(3 + 2 * random.below(2)); break;
    default: break;
  }
}

std::string body_of(const std::vector<Row>& rows, bool base64, std::string_view model,
                    std::uint64_t tokens) {
  std::string body = R"({"data":[)";
  for (const Row& row : rows) {
    if (&row != rows.data()) body += ',';
    body += R"({"index":)" + std::to_string(row.index) + R"(,"embedding":)";
    body += base64 ? '"' + base64_of(row.vector) + '"' : '[' + numbers_of(row.vector) + ']';
    body += '}';
  }
  return body + R"(],"model":")" + std::string(model) + R"(","usage":{"total_tokens":)" +
         std::to_string(tokens) + "}}";
}

CallResult no_reply() {
  Failure failure =
      transport_failure(make_error(ErrorKind::kUnavailable, "simulated"), http::Sent::kYes);
  CallResult result;
  result.outcome = failure.outcome;
  result.error = std::move(failure.error);
  return result;
}

}  // namespace

std::uint64_t test_seed() {
  const char* seed = std::getenv("VECMILL_TEST_SEED");
  return seed == nullptr ? 1 : std::stoull(seed);
}

bool is_deep() { return std::getenv("VECMILL_TEST_DEEP") != nullptr; }

std::string text_of(std::uint64_t id) { return "text " + std::to_string(id); }

std::vector<float> vector_of(std::uint64_t id) {
  return {static_cast<float>(id & 0xFFF), static_cast<float>(id >> 12 & 0xFFF),
          static_cast<float>(id >> 24 & 0xFFF), 0.5F};
}

CallResult reply_to(std::span<const std::uint64_t> ids, Fault fault, std::uint64_t tokens,
                    Random& random) {
  if (fault == Fault::kReset || fault == Fault::kBlackHole) return no_reply();
  static const RemoteModel kRemote{
      .dialect = find_dialect("openai"), .name = std::string(kModel), .dims = 4};
  std::vector<std::string> texts;
  std::vector<Row> rows;
  for (const std::uint64_t id : ids) {
    texts.push_back(text_of(id));
    rows.push_back({rows.size(), vector_of(id)});
  }
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
  spoil(rows, fault, random);
  http::ApiReply reply{200, {}, {}};
  reply.body =
      body_of(rows, random.below(2) == 0, fault == Fault::kOtherModel ? "m-2" : kModel, tokens);
  if (fault == Fault::kTruncated) reply.body.resize(random.below(reply.body.size()));
  if (fault == Fault::kServerError) reply = {500, {}, "<html>"};
  if (fault == Fault::kThrottled) reply = {429, {{"retry-after", "1"}}, "{}"};
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return read_result(kRemote, reply, views, kKey, kModel);
}

bool SimulatedServer::over_limit(policy::Time now, std::uint64_t tokens) {
  while (!log_.empty() && log_.front().first <= now - 1min) {
    log_tokens_ -= log_.front().second;
    log_.pop_front();
  }
  const auto over = [](std::uint64_t n, std::uint64_t limit) { return limit > 0 && n > limit; };
  if (over(log_.size() + 1, options_.requests_per_minute) ||
      over(log_tokens_ + tokens, options_.tokens_per_minute)) {
    return true;
  }
  log_.emplace_back(now, tokens);
  log_tokens_ += tokens;
  return false;
}

Fault SimulatedServer::draw(policy::Time now) {
  const bool outage = now >= options_.outage_begin && now < options_.outage_end;
  if (outage) return static_cast<Fault>(2 + random_.below(3));  // no answer but 500
  if (random_.below(100) >= options_.fault_percent) return Fault::kNone;
  return static_cast<Fault>(1 + random_.below(kFaults - 1));
}

policy::Outcome SimulatedServer::judge(policy::Time now, std::span<const std::uint64_t> ids) const {
  if (now >= options_.key_refused_begin && now < options_.key_refused_end) {
    return policy::Outcome::kKeyRefused;
  }
  if (options_.most_texts > 0 && ids.size() > options_.most_texts) {
    return policy::Outcome::kTooLarge;
  }
  const auto is_bad = [this](std::uint64_t id) { return id % options_.bad_every == 0; };
  return options_.bad_every > 0 && std::ranges::any_of(ids, is_bad) ? policy::Outcome::kBadInput
                                                                    : policy::Outcome::kSuccess;
}

SimulatedServer::Answer SimulatedServer::answer(policy::Time now,
                                                std::span<const std::uint64_t> ids,
                                                std::uint64_t tokens, policy::Duration timeout) {
  Fault fault = draw(now);
  if (fault != Fault::kNone) ++faults;
  if (over_limit(now, tokens)) {
    ++rejected;
    fault = Fault::kThrottled;
  } else {
    ++accepted;
    accepted_tokens += tokens;
  }
  if (const auto outcome = judge(now, ids);
      fault == Fault::kNone && outcome != policy::Outcome::kSuccess) {
    CallResult refusal;
    refusal.outcome = outcome;
    const bool is_text = outcome == policy::Outcome::kBadInput;
    refusal.error =
        make_error(is_text ? ErrorKind::kInvalidArgument : ErrorKind::kAuth, "simulated");
    return {std::move(refusal), 200ms + random_.up_to(200ms)};
  }
  if (fault == Fault::kNone) billed_tokens += tokens;
  return {reply_to(ids, fault, tokens, random_),
          fault == Fault::kBlackHole ? timeout : 200ms + random_.up_to(200ms)};
}

namespace {

/// Each fault is seen for what it is, and no intact reply is taken for one.
TEST(SimulatedServerTest, NoPairOfAShuffledOrPartialReplyIsWrong) {
  const std::uint64_t pairs = is_deep() ? 10'000'000 : 20'000;
  Random random(test_seed());
  std::uint64_t intact = 0;
  for (std::uint64_t next = 0; intact < pairs && !testing::Test::HasFailure();) {
    std::vector<std::uint64_t> ids(1 + random.below(64));
    std::iota(ids.begin(), ids.end(), next);
    next += ids.size();
    const auto fault = static_cast<Fault>(random.below(2) == 0 ? 0 : random.below(kFaults));
    const std::uint64_t tokens = ids.size() + random.below(10'000);
    const CallResult result = reply_to(ids, fault, tokens, random);
    ASSERT_EQ(result.outcome == policy::Outcome::kSuccess, fault == Fault::kNone)
        << static_cast<int>(fault);
    if (fault != Fault::kNone) continue;
    std::uint64_t shares = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(result.embeddings[i].vector, vector_of(ids[i]));
      shares += result.embeddings[i].tokens;
    }
    EXPECT_EQ(shares, tokens) << "the bill";
    intact += ids.size();
  }
  RecordProperty("pairs", std::to_string(intact));
}

}  // namespace
}  // namespace vecmill::remote
