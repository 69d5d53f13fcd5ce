#include "vecmill/remote/self_description.h"

#include <gtest/gtest.h>

namespace vecmill::remote {
namespace {

TEST(SelfDescriptionTest, TeiSaysWhatItServesAndHowMuchItTakes) {
  const auto found = read_self_description(
      About::kTeiInfo,
      R"({"model_id":"BAAI/bge-small","model_sha":"5c38","model_dtype":"float16",)"
      R"("model_type":{"embedding":{"pooling":"cls"}},"max_concurrent_requests":512,)"
      R"("max_input_length":512,"max_batch_tokens":16384,"max_client_batch_size":64})");
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->identity, "BAAI/bge-small@5c38 float16 cls");
  EXPECT_EQ(found->max_tokens, 512u);
  EXPECT_EQ(found->max_texts, 64u);
  EXPECT_EQ(found->max_request_tokens, 16384u);
}

TEST(SelfDescriptionTest, OllamaNamesItsNumbersAfterTheArchitecture) {
  const auto found = read_self_description(
      About::kOllamaShow,
      R"({"capabilities":["embedding"],"model_info":{"general.architecture":"bert",)"
      R"("bert.context_length":2048,"bert.embedding_length":768,"other.context_length":1}})");
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->identity, "");
  EXPECT_EQ(found->dims, 768u);
  EXPECT_EQ(found->max_tokens, 2048u);
}

TEST(SelfDescriptionTest, WhatMakesNoVectorsIsRefusedByItsName) {
  const auto reranker = read_self_description(
      About::kTeiInfo, R"({"model_id":"BAAI/rank","model_type":{"reranker":{"id2label":{}}}})");
  ASSERT_FALSE(reranker);
  EXPECT_EQ(reranker.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(reranker.error().to_string().find("BAAI/rank"), std::string::npos);
  EXPECT_NE(reranker.error().to_string().find("reranker"), std::string::npos);
  const auto chat = read_self_description(About::kOllamaShow,
                                          R"({"capabilities":["completion"],"model_info":{}})");
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().kind, ErrorKind::kUnsupported);
}

TEST(SelfDescriptionTest, AnythingElseIsNoDescription) {
  for (const char* body : {"", "[]", "{}", "<html>", R"({"model_id":7,"model_type":{}})",
                           R"({"model_id":"a"})", R"({"model_info":[]})"}) {
    for (const About about : {About::kTeiInfo, About::kOllamaShow}) {
      const auto found = read_self_description(about, body);
      ASSERT_FALSE(found) << body;
      EXPECT_EQ(found.error().kind, ErrorKind::kInvalidData) << body;
    }
  }
}

}  // namespace
}  // namespace vecmill::remote
