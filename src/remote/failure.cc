#include "vecmill/remote/failure.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "vecmill/base/utf8.h"
#include "vecmill/policy/retry_after.h"

namespace vecmill::remote {
namespace {

using policy::Outcome;
using simdjson::SUCCESS;
using simdjson::dom::element;

constexpr std::size_t kMaxQuote = 200;
constexpr std::size_t kMaxRead = 4096;
/// A shorter piece of a longer text may stand in a message by chance.
constexpr std::size_t kTellingPiece = 12;
/// One of so few bytes stands in many a message and tells nothing.
constexpr std::size_t kShortestText = 4;

/// What vendors put into the body of an error, under whichever name.
struct Said {
  std::string message, type, code, param;
  std::string reason, delay;  // of Google's details
};

std::string text_of(simdjson::simdjson_result<element> value) {
  std::string_view text;
  return value.get(text) == SUCCESS ? std::string(text) : std::string();
}

/// {"details": [{"reason": "API_KEY_INVALID"}, {"retryDelay": "13s"}]}
void read_details(element error, Said& said) {
  simdjson::dom::array details;
  if (error["details"].get(details) != SUCCESS) return;
  for (const element detail : details) {
    if (said.reason.empty()) said.reason = text_of(detail["reason"]);
    if (said.delay.empty()) said.delay = text_of(detail["retryDelay"]);
  }
}

/// {"error": {..}}, {"error": "..", "error_type": ".."}, {"detail": ".."}, {"detail": {"message":
/// ".."}},
/// {"message": ".."}
Said read_error(std::string_view body) {
  simdjson::dom::parser parser;
  element root;
  Said said;
  if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS) return said;
  element inner;
  if (root["error"].get(inner) != SUCCESS || !inner.is_object()) inner = root;
  said.message = text_of(inner["message"]);
  if (said.message.empty()) said.message = text_of(root["detail"]);
  if (said.message.empty()) said.message = text_of(root["detail"]["message"]);
  if (said.message.empty()) said.message = text_of(root["error"]);
  said.type = text_of(inner["type"]);
  if (said.type.empty()) said.type = text_of(root["error_type"]);
  said.code = text_of(inner["code"]);
  said.param = text_of(inner["param"]);
  read_details(inner, said);
  return said;
}

bool holds(std::string_view text, std::string_view word) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto same = [&](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool holds_any(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return holds(text, word); });
}

bool about_money(const Said& said) {
  constexpr std::array<std::string_view, 5> kWords{"insufficient_quota", "credit_balance",
                                                   "spend_limit", "usage_limit", "billing"};
  return holds_any(said.type, kWords) || holds_any(said.code, kWords);
}

/// About one text that is too long, whatever else is in the request.
bool about_one_text(const Said& said) {
  constexpr std::array<std::string_view, 5> kWords{"the example at index", "context length",
                                                   "context window",
                                                   "must have less than",    // TEI, with 413
                                                   "too large to process"};  // llama.cpp, with 500
  return holds_any(said.message, kWords);
}

bool about_size(int status, const Said& said) {
  if (status != 400 && status != 413 && status != 422) return false;
  constexpr std::array<std::string_view, 3> kWords{"batch", "max_tokens_per_request",
                                                   "tokens per request"};
  return said.code == "max_tokens_per_request" || holds_any(said.message, kWords);
}

bool about_settings(int status, const Said& said) {
  if (status == 404 || status == 405 || said.code == "model_not_found") return true;
  if (status != 400 && status != 422) return false;
  if (!said.param.empty() && !said.param.starts_with("input")) return true;
  if (holds(said.message, "dimension")) return true;
  constexpr std::array<std::string_view, 5> kWords{"not supported", "unsupported", "not found",
                                                   "not exist", "invalid model"};
  return holds(said.message, "model") && holds_any(said.message, kWords);
}

/// Whether a message repeats a piece of what is nobody's business.
bool repeats(std::string_view message, std::span<const std::string_view> texts, const Secret& key) {
  if (!key.empty() && holds(message, key.reveal())) return true;
  const auto is_in_message = [&](std::string_view text) {
    return text.size() >= kShortestText && text.size() < kTellingPiece &&
           message.find(text) != std::string_view::npos;
  };
  if (std::ranges::any_of(texts, is_in_message)) return true;
  for (std::size_t at = 0; at + kTellingPiece <= message.size(); ++at) {
    const std::string_view piece = message.substr(at, kTellingPiece);
    if (std::ranges::any_of(texts, [&](std::string_view text) {
          return text.find(piece) != std::string_view::npos;
        })) {
      return true;
    }
  }
  return false;
}

/// What may be shown of a message: one short line.
std::string quote(std::string_view message, std::span<const std::string_view> texts,
                  const Secret& key) {
  if (message.size() > kMaxRead || !is_valid_utf8(message) || repeats(message, texts, key))
    return {};
  std::size_t size = std::min(message.size(), kMaxQuote);
  while (size > 0 && first_invalid_utf8(message.substr(0, size)) != size) --size;
  std::string line(message.substr(0, size));
  std::ranges::replace_if(
      line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return line.empty() ? line : ": " + line;
}

std::optional<policy::Duration> wait_of(const std::vector<http::Header>& headers) {
  for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (auto wait = policy::parse_milliseconds(http::find_header(headers, name))) return wait;
  }
  const auto now = policy::parse_http_date(http::find_header(headers, "date"));
  return policy::parse_retry_after(
      http::find_header(headers, "retry-after"),
      now.value_or(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
}

/// Vendors bill what they answer. A gateway that gave up does not know what the server behind it
/// did, and what is no error status is no refusal.
bool from_gateway(int status) { return status < 400 || (status > 500 && status != 503); }

Error error_of(const RemoteModel& model, Outcome outcome, int status, const Said& said) {
  const std::string name = provider_name(model);
  const std::string key_from =
      model.key_from.empty() ? std::string(model.dialect->key_variable) : model.key_from;
  const std::string code = " (" + std::to_string(status) + ")";
  switch (outcome) {
    case Outcome::kKeyRefused:
      if (status == 429 || status == 402) {
        return make_error(ErrorKind::kLimited, "the account has no credit left" + code, name,
                          "pay or raise the account's limit; waiting does not help");
      }
      if (status == 403) {
        return make_error(
            ErrorKind::kAuth, "the key may not be used here" + code, name,
            "is it a key of another host (" + model.base_url + "), or is this address blocked?");
      }
      return make_error(ErrorKind::kAuth, "the key is refused" + code, name,
                        key_from.empty() ? std::string() : "check " + key_from);
    case Outcome::kThrottled:
      return make_error(ErrorKind::kLimited,
                        said.type == "slow_down" ? "the rate rose too fast" + code
                                                 : "the rate limit is reached" + code,
                        name);
    case Outcome::kTooLarge:
      return make_error(ErrorKind::kTooLong, "too much for one request" + code, name);
    case Outcome::kBadInput:
      return make_error(ErrorKind::kInvalidData, "the text is refused" + code, name,
                        "is it longer than the model takes?");
    default: return make_error(ErrorKind::kUnavailable, "the server failed" + code, name);
  }
}

}  // namespace

Failure classify_failure(const RemoteModel& model, const http::ApiReply& reply,
                         std::span<const std::string_view> texts, const Secret& key) {
  const Said said = read_error(reply.body);
  Failure failure;
  failure.retry_after = wait_of(reply.headers);
  if (!failure.retry_after && !said.delay.empty()) {
    failure.retry_after = policy::parse_reset(said.delay);
  }
  failure.outcome = policy::classify(reply.status, about_money(said));
  if (failure.outcome == Outcome::kSuccess) failure.outcome = Outcome::kTransient;
  // Google's bad request may be a bad key.
  if (said.reason == "API_KEY_INVALID") failure.outcome = Outcome::kKeyRefused;
  if (about_one_text(said) && (reply.status / 100 == 4 || reply.status == 500)) {
    failure.outcome = Outcome::kBadInput;
  } else if (about_size(reply.status, said)) {
    failure.outcome = Outcome::kTooLarge;
  }
  failure.error = error_of(model, failure.outcome, reply.status, said);
  failure.billed_nothing = !from_gateway(reply.status);
  if (failure.outcome == Outcome::kBadInput && about_settings(reply.status, said)) {
    failure.settings = true;
    failure.error =
        make_error(ErrorKind::kInvalidArgument,
                   "the model or its settings are refused (" + std::to_string(reply.status) + ")" +
                       quote(said.message, texts, key),
                   full_name(model), "check name, dimension and address of the model");
  }
  return failure;
}

Failure transport_failure(const Error& error, http::Sent sent) {
  Failure failure;
  failure.error = error;
  failure.billed_nothing = sent != http::Sent::kYes;
  // An address that is none, one that sends us elsewhere, or a bad certificate stays so.
  failure.settings = error.kind == ErrorKind::kInvalidArgument || sent == http::Sent::kNever;
  failure.outcome = failure.settings ? Outcome::kBadInput : Outcome::kTransient;
  return failure;
}

std::vector<RateReading> rate_readings(const Dialect& dialect,
                                       const std::vector<http::Header>& headers) {
  std::vector<RateReading> readings;
  const auto read = [&](std::string_view what, policy::Unit unit) {
    const std::string_view text =
        http::find_header(headers, "x-ratelimit-remaining-" + std::string(what));
    RateReading reading{unit, 0, {}};
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), reading.remaining);
    const auto reset =
        policy::parse_reset(http::find_header(headers, "x-ratelimit-reset-" + std::string(what)));
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || !reset) return;
    reading.reset = *reset;
    readings.push_back(reading);
  };
  read("requests", policy::Unit::kRequests);
  read("tokens", dialect.meters_bytes ? policy::Unit::kMetered : policy::Unit::kTokens);
  return readings;
}

}  // namespace vecmill::remote
