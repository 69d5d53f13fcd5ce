#include "vecmill/remote/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecmill/remote/remote_api.h"

namespace vecmill::remote {
namespace {

using policy::Outcome;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

const Secret kKey("pa-canary-key");
const std::vector<std::string_view> kTexts{"the canary sings in the coal mine", "b", "finches"};
const auto kTwoTexts = std::span(kTexts).first(2);

RemoteModel model_of(std::string_view dialect) {
  return {.dialect = find_dialect(dialect),
          .base_url = "https://api.example/v1",
          .name = "m-1",
          .dims = 2};
}

Failure failure_of(int status, std::string body, std::vector<http::Header> headers = {},
                   std::string_view dialect = "openai") {
  return classify_failure(model_of(dialect), {status, std::move(headers), std::move(body)}, kTexts,
                          kKey);
}

TEST(FailureTest, TheVendorsErrorsAndWhatTheyMean) {
  const struct {
    int status;
    const char* body;
    Outcome outcome;
    bool settings;
    ErrorKind kind;
  } cases[] = {
      // OpenAI
      {400, R"({"error":{"message":"x","type":"invalid_request_error","param":"dimensions",
               "code":null}})",
       Outcome::kBadInput, true, ErrorKind::kInvalidArgument},
      {400, R"({"error":{"message":"'$.input' is invalid","type":"invalid_request_error",
               "param":"input","code":null}})",
       Outcome::kBadInput, false, ErrorKind::kInvalidData},
      {400, R"({"error":{"message":"This model's maximum context length is 8192 tokens, however you
               requested 9000","type":"invalid_request_error","param":null,"code":null}})",
       Outcome::kBadInput, false, ErrorKind::kInvalidData},
      {400, R"({"error":{"message":"Requested 310000 tokens, max 300000 tokens per request",
               "type":"max_tokens_per_request","param":null,"code":"max_tokens_per_request"}})",
       Outcome::kTooLarge, false, ErrorKind::kTooLong},
      {401, R"({"error":{"message":"Incorrect API key provided: pa-canary-key"}})",
       Outcome::kKeyRefused, false, ErrorKind::kAuth},
      {404, R"({"error":{"message":"The model does not exist","type":"invalid_request_error",
               "param":null,"code":"model_not_found"}})",
       Outcome::kBadInput, true, ErrorKind::kInvalidArgument},
      {400, R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",
               "details":[{"reason":"API_KEY_INVALID"}]}})",
       Outcome::kKeyRefused, false, ErrorKind::kAuth},
      {400, R"({"object":"error","message":"Invalid model: m","type":"invalid_model"})",
       Outcome::kBadInput, true, ErrorKind::kInvalidArgument},
      {429, R"({"error":{"message":"x","type":"rate_limit_error","param":null,
               "code":"rate_limit_exceeded"}})",
       Outcome::kThrottled, false, ErrorKind::kLimited},
      {429, R"({"error":{"message":"x","type":"slow_down","param":null,"code":"slow_down"}})",
       Outcome::kThrottled, false, ErrorKind::kLimited},
      {429, R"({"error":{"message":"x","type":"insufficient_quota","param":null,
               "code":"credit_balance_exhausted"}})",
       Outcome::kKeyRefused, false, ErrorKind::kLimited},
      {429, R"({"error":{"message":"x","type":"x","param":null,
               "code":"project_spend_limit_exceeded"}})",
       Outcome::kKeyRefused, false, ErrorKind::kLimited},
      {500, R"({"error":{"message":"The server had an error"}})", Outcome::kTransient, false,
       ErrorKind::kUnavailable},
      {503, "<html>busy</html>", Outcome::kTransient, false, ErrorKind::kUnavailable},
      // Voyage
      {400, R"({"detail":"Model m-1 is not supported."})", Outcome::kBadInput, true,
       ErrorKind::kInvalidArgument},
      {400, R"({"detail":"The batch size limit is 1000. Your batch size is 1001."})",
       Outcome::kTooLarge, false, ErrorKind::kTooLong},
      {400, R"({"detail":"The max allowed tokens per submitted batch is 120000."})",
       Outcome::kTooLarge, false, ErrorKind::kTooLong},
      {400,
       R"({"detail":"The example at index 0 in your batch has too many tokens and does not fit into the model's context window of 32000 tokens."})",
       Outcome::kBadInput, false, ErrorKind::kInvalidData},
      {403, R"({"detail":"Forbidden"})", Outcome::kKeyRefused, false, ErrorKind::kAuth},
      {422, R"({"detail":[{"msg":"field required"}]})", Outcome::kBadInput, false,
       ErrorKind::kInvalidData},
      {429, R"({"detail":"You have exceeded your rate limit"})", Outcome::kThrottled, false,
       ErrorKind::kLimited},
      {502, "", Outcome::kTransient, false, ErrorKind::kUnavailable},
      // TEI, Jina, and what is no API at all
      {413,
       R"({"error":"batch size 33 > maximum allowed batch size 32","error_type":"Validation"})",
       Outcome::kTooLarge, false, ErrorKind::kTooLong},
      {413,
       R"({"error":"Input validation error: `inputs` must have less than 512 tokens. Given: 600","error_type":"Validation"})",
       Outcome::kBadInput, false, ErrorKind::kInvalidData},
      {424, R"({"error":"backend","error_type":"Backend"})", Outcome::kTransient, false,
       ErrorKind::kUnavailable},
      // llama.cpp
      {500,
       R"({"error":{"code":500,"message":"input is too large to process. increase the physical batch size","type":"server_error"}})",
       Outcome::kBadInput, false, ErrorKind::kInvalidData},
      {402, R"({"detail":"Insufficient balance"})", Outcome::kKeyRefused, false,
       ErrorKind::kLimited},
      {204, "", Outcome::kTransient, false, ErrorKind::kUnavailable},
  };
  for (const auto& c : cases) {
    const Failure failure = failure_of(c.status, c.body);
    EXPECT_EQ(failure.outcome, c.outcome) << c.body;
    EXPECT_EQ(failure.settings, c.settings) << c.body;
    EXPECT_EQ(failure.error.kind, c.kind) << c.body;
  }
}

TEST(FailureTest, SettingsAreExplainedInTheServersWords) {
  const std::string body = R"({"detail":"Model m-1 is not supported.\nTry m-2."})";
  EXPECT_EQ(failure_of(400, body, {}, "voyage").error.to_string(),
            "voyage:m-1: the model or its settings are refused (400): Model m-1 is not supported. "
            "Try m-2.; check name, dimension and address of the model");
}

TEST(FailureTest, NeitherKeyNorTextIsEverQuoted) {
  for (const char* said : {"no model for PA-CANARY-KEY", "model canary sings in not found",
                           "model for finches not found", "model \\ud800 not found"}) {
    const auto failure = failure_of(404, R"({"error":{"message":")" + std::string(said) + R"("}})");
    EXPECT_TRUE(failure.settings);
    EXPECT_THAT(failure.error.to_string(), Not(HasSubstr("no model"))) << said;
    EXPECT_THAT(failure.error.to_string(), Not(HasSubstr("canary"))) << said;
    EXPECT_THAT(failure.error.to_string(), Not(HasSubstr("finches"))) << said;
  }
  const auto long_one =
      failure_of(404, R"({"detail":")" + std::string(199, 'm') + "\xC3\xA4" + R"("})");
  EXPECT_THAT(long_one.error.message, ::testing::EndsWith(std::string(199, 'm')));
}

TEST(FailureTest, TheServersWishToWait) {
  const auto wait = [](std::vector<http::Header> headers) {
    return failure_of(429, "", std::move(headers)).retry_after;
  };
  EXPECT_EQ(wait({{"Retry-After", "3"}}), milliseconds(3000));
  EXPECT_EQ(wait({{"retry-after", "3"}, {"Retry-After-Ms", "120"}}), milliseconds(120));
  EXPECT_EQ(wait({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"},
                  {"retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"}}),
            milliseconds(10'000));
  EXPECT_EQ(wait({{"retry-after", "soon"}}), std::nullopt);
}

TEST(FailureTest, WhatHeadersSayOfTheLimits) {
  const std::vector<http::Header> headers{{"X-RateLimit-Remaining-Requests", "59"},
                                          {"x-ratelimit-reset-requests", "1s"},
                                          {"x-ratelimit-remaining-tokens", "149984"},
                                          {"x-ratelimit-reset-tokens", "6m0s"}};
  const auto readings = rate_readings(*find_dialect("openai"), headers);
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(readings[0].unit, policy::Unit::kRequests);
  EXPECT_EQ(readings[0].remaining, 59u);
  EXPECT_EQ(readings[1].unit, policy::Unit::kMetered);
  EXPECT_EQ(readings[1].reset, std::chrono::minutes(6));
  EXPECT_EQ(rate_readings(*find_dialect("voyage"), headers)[1].unit, policy::Unit::kTokens);
  for (const char* bad : {"", "-1", "5x", "99999999999999999999"}) {
    EXPECT_TRUE(rate_readings(*find_dialect("openai"), {{"x-ratelimit-remaining-tokens", bad},
                                                        {"x-ratelimit-reset-tokens", "1s"}})
                    .empty());
  }
}

TEST(FailureTest, AnAddressThatIsWrongStaysWrong) {
  const auto failure = [](ErrorKind kind) {
    return transport_failure(make_error(kind, "no reply"), http::Sent::kYes);
  };
  EXPECT_TRUE(failure(ErrorKind::kInvalidArgument).settings);
  EXPECT_EQ(failure(ErrorKind::kUnavailable).outcome, Outcome::kTransient);
  EXPECT_EQ(failure(ErrorKind::kInvalidData).outcome, Outcome::kTransient);
  const Error bad = make_error(ErrorKind::kUnavailable, "the certificate has expired");
  const Failure never = transport_failure(bad, http::Sent::kNever);
  EXPECT_TRUE(never.settings && never.billed_nothing);
  EXPECT_EQ(never.outcome, Outcome::kBadInput);
  EXPECT_EQ(never.error.kind, ErrorKind::kUnavailable);
}

TEST(FailureTest, WhatIsCertainlyNotBilledIsToldFromWhatMayBe) {
  for (const int status : {400, 401, 429, 500, 503}) {
    EXPECT_TRUE(failure_of(status, "{}").billed_nothing) << status;
  }
  for (const int status : {204, 502, 504, 524}) {
    EXPECT_FALSE(failure_of(status, "{}").billed_nothing) << status;
  }
  const Error cut_off = make_error(ErrorKind::kUnavailable, "cut off");
  EXPECT_TRUE(transport_failure(cut_off, http::Sent::kNo).billed_nothing);
  EXPECT_FALSE(transport_failure(cut_off, http::Sent::kYes).billed_nothing);
}

TEST(CallResultTest, VectorsInTheOrderOfTheTextsAndTokensByBytes) {
  const http::ApiReply reply{200, {}, R"({"data":[{"index":1,"embedding":[0,1]},
      {"index":0,"embedding":[1,0]}],"model":"m-1","usage":{"total_tokens":36}})"};
  std::string name;
  const CallResult result = read_result(model_of("openai"), reply, kTwoTexts, kKey, "m-1", &name);
  ASSERT_EQ(result.outcome, Outcome::kSuccess);
  EXPECT_EQ(result.embeddings[0].vector, (std::vector<float>{1, 0}));
  EXPECT_EQ(result.embeddings[0].tokens, 34u);
  EXPECT_EQ(result.embeddings[1].tokens, 2u);
  EXPECT_EQ(result.tokens, 36u);
  EXPECT_EQ(result.billed, Billed::kYes);
  EXPECT_EQ(name, "m-1");
}

TEST(CallResultTest, AReplyThatIsWrongIsAFailureOfTheServer) {
  for (const char* body : {"<html>", R"({"data":[]})",
                           R"({"data":[{"index":0,"embedding":[1,0]},
                              {"index":1,"embedding":[0,1]}],"model":"m-2"})"}) {
    const CallResult result =
        read_result(model_of("openai"), {200, {}, body}, kTwoTexts, kKey, "m-1");
    EXPECT_EQ(result.outcome, Outcome::kTransient) << body;
    // A web page is no text's fault.
    EXPECT_EQ(result.error->kind,
              body[0] == '<' ? ErrorKind::kUnavailable : ErrorKind::kInvalidData)
        << body;
    EXPECT_TRUE(result.embeddings.empty());
    EXPECT_EQ(result.billed, Billed::kUnknown) << body;
  }
}

TEST(CallResultTest, AReplyThatIsWrongIsPaidForAllTheSame) {
  const http::ApiReply reply{
      200, {}, R"({"data":[{"index":0,"embedding":[1,0]}],"usage":{"total_tokens":36}})"};
  const CallResult result = read_result(model_of("openai"), reply, kTwoTexts, kKey, "");
  EXPECT_EQ(result.outcome, Outcome::kTransient);
  EXPECT_EQ(result.billed, Billed::kYes);
  EXPECT_EQ(result.tokens, 36u);
}

TEST(CallResultTest, AnAbsurdNumberOfTokensIsNone) {
  const http::ApiReply reply{200, {}, R"({"data":[{"index":0,"embedding":[1,0]},
      {"index":1,"embedding":[0,1]}],"usage":{"total_tokens":18446744073709551615}})"};
  const CallResult result = read_result(model_of("openai"), reply, kTwoTexts, kKey, "");
  ASSERT_EQ(result.outcome, Outcome::kSuccess);
  EXPECT_EQ(result.tokens, 0u);
  EXPECT_EQ(result.billed, Billed::kUncounted);
}

TEST(CallResultTest, AGoodReplyWithoutTokensIsBilledAllTheSame) {
  const http::ApiReply reply{
      200, {}, R"({"data":[{"index":0,"embedding":[1,0]},{"index":1,"embedding":[0,1]}]})"};
  const CallResult result = read_result(model_of("openai"), reply, kTwoTexts, kKey, "");
  ASSERT_EQ(result.outcome, Outcome::kSuccess);
  EXPECT_EQ(result.tokens, 0u) << "nothing to learn from";
  EXPECT_EQ(result.billed, Billed::kUncounted);
}

TEST(CallResultTest, ARefusalIsNotBilled) {
  const CallResult result = read_result(model_of("openai"), {429, {}, "{}"}, kTwoTexts, kKey, "");
  EXPECT_EQ(result.billed, Billed::kNo);
}

}  // namespace
}  // namespace vecmill::remote
