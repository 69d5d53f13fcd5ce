#include "vecmill/remote/request.h"

#include <gtest/gtest.h>

namespace vecmill::remote {
namespace {

using Texts = std::vector<std::string_view>;

RemoteModel model_of(std::string_view dialect, std::string name, std::uint32_t dims = 0) {
  return {.dialect = find_dialect(dialect),
          .base_url = "https://api.example/v1",
          .name = std::move(name),
          .dims = dims};
}

TEST(RequestTest, EachApiIsAskedInItsOwnWords) {
  const Texts texts{"a\"b", "c\n"};
  const struct {
    const char *dialect, *model;
    std::uint32_t dims;
    Role role;
    const char* body;
  } cases[] = {
      {"voyage", "voyage-code-3", 2048, Role::kDocument,
       R"({"model":"voyage-code-3","input":["a\"b","c\n"],"input_type":"document",)"
       R"("output_dimension":2048,"encoding_format":"base64","truncation":false})"},
      {"voyage", "voyage-4", 0, Role::kNone,
       R"({"model":"voyage-4","input":["a\"b","c\n"],"encoding_format":"base64",)"
       R"("truncation":false})"},
      {"openai", "text-embedding-3-small", 256, Role::kQuery,
       R"({"model":"text-embedding-3-small","input":["a\"b","c\n"],"dimensions":256,)"
       R"("encoding_format":"base64"})"},
      {"openai-compatible", "m", 0, Role::kDocument, R"({"model":"m","input":["a\"b","c\n"]})"},
      {"cohere", "embed-v4.0", 512, Role::kQuery,
       R"({"model":"embed-v4.0","texts":["a\"b","c\n"],"input_type":"search_query",)"
       R"("output_dimension":512,"embedding_types":["float"],"truncate":"NONE"})"},
      {"cohere", "embed-v4.0", 0, Role::kNone,
       R"({"model":"embed-v4.0","texts":["a\"b","c\n"],"input_type":"search_document",)"
       R"("embedding_types":["float"],"truncate":"NONE"})"},
      {"jina", "jina-embeddings-v4", 0, Role::kQuery,
       R"({"model":"jina-embeddings-v4","input":["a\"b","c\n"],"task":"retrieval.query",)"
       R"("truncate":false})"},
      {"mistral", "codestral-embed", 64, Role::kDocument,
       R"({"model":"codestral-embed","input":["a\"b","c\n"],"output_dimension":64})"},
      {"tei", "any", 64, Role::kQuery,
       R"({"inputs":["a\"b","c\n"],"dimensions":64,"truncate":false})"},
      {"ollama", "nomic-embed-text", 0, Role::kQuery,
       R"({"model":"nomic-embed-text","input":["a\"b","c\n"],"truncate":false})"},
      {"gemini", "gemini-embedding-001", 64, Role::kQuery,
       R"({"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a\"b"}],)"
       R"("role":"user"},"taskType":"RETRIEVAL_QUERY","outputDimensionality":64},)"
       R"({"model":"models/gemini-embedding-001","content":{"parts":[{"text":"c\n"}],)"
       R"("role":"user"},"taskType":"RETRIEVAL_QUERY","outputDimensionality":64}]})"},
      {"gemini", "gemini-embedding-2", 0, Role::kQuery,
       R"({"requests":[{"model":"models/gemini-embedding-2","content":{"parts":[{"text":"a\"b"}],)"
       R"("role":"user"}},{"model":"models/gemini-embedding-2","content":{"parts":[)"
       R"({"text":"c\n"}],"role":"user"}}]})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(request_body(model_of(c.dialect, c.model, c.dims), texts, c.role), c.body)
        << c.dialect;
  }
}

TEST(RequestTest, TeiIsToldTheNameOfThePromptOfARole) {
  RemoteModel model = model_of("tei", "any");
  model.query_prompt = "s2p_query";
  const Texts texts{"a"};
  EXPECT_EQ(request_body(model, texts, Role::kQuery),
            R"({"inputs":["a"],"prompt_name":"s2p_query","truncate":false})");
  for (const Role role : {Role::kDocument, Role::kNone}) {
    EXPECT_EQ(request_body(model, texts, role), R"({"inputs":["a"],"truncate":false})");
  }
  model.document_prompt = "doc";
  EXPECT_EQ(role_name(model, Role::kDocument), "doc");
}

TEST(RequestTest, TheKeyGoesWhereTheApiLooksForIt) {
  const Secret key("k1");
  const auto last = [&](const char* dialect) {
    return request_headers(*find_dialect(dialect), key).back();
  };
  EXPECT_EQ(last("voyage").name + "=" + last("voyage").value, "Authorization=Bearer k1");
  EXPECT_EQ(last("azure").name + "=" + last("azure").value, "api-key=k1");
  for (const auto& header : request_headers(*find_dialect("ollama"), Secret())) {
    EXPECT_NE(header.name, "Authorization");
  }
}

TEST(RequestTest, TokensGoInPlaceOfTextsWhereTheLimiterChargesThemLess) {
  RemoteModel openai = model_of("openai", "text-embedding-3-small");
  openai.at_vendor = true;
  const std::vector<TokenIds> ids{{1, 2}, {3}};
  // test_requests.py has this very body from the vendor's client.
  EXPECT_EQ(request_body(openai, Texts{"ab", "c"}, Role::kDocument, ids),
            R"({"model":"text-embedding-3-small","input":[[1,2],[3]],"encoding_format":"base64"})");
  const TokensOf three = [](std::string_view text) -> std::optional<TokenIds> {
    if (text == "unlike itself") return std::nullopt;
    return TokenIds{7, 8, 9};
  };
  const struct {
    Texts texts;
    std::size_t sent;
  } cases[] = {
      {{"twelve bytes", "and a dozen."}, 0},      // 6 tokens, 24 / 4 units
      {{"twelve bytes", "and sixteen here"}, 2},  // 6 tokens, 28 / 4 units
      {{"unlike itself", "and more than enough of other bytes"}, 0},
      {{"a text alone of some length, but not of so much"}, 0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(cheaper_tokens(openai, c.texts, three).size(), c.sent) << c.texts[0];
  }
  const std::string longer(10'000, 'x');
  EXPECT_EQ(cheaper_tokens(openai, Texts{longer}, three).size(), 1u);
  EXPECT_EQ(cheaper_tokens(openai, Texts{longer}, {}).size(), 0u);
  EXPECT_EQ(cheaper_tokens(model_of("openai", "x"), Texts{longer}, three).size(), 0u);
  RemoteModel voyage = model_of("voyage", "voyage-code-3");
  voyage.at_vendor = true;
  EXPECT_EQ(cheaper_tokens(voyage, Texts{longer}, three).size(), 0u);
}

TEST(RequestTest, AnAddressHoldsTheModelWhereTheApiWantsItThere) {
  EXPECT_EQ(request_url(model_of("openai", "m")), "https://api.example/v1/embeddings");
  EXPECT_EQ(request_url(model_of("gemini", "gemini-embedding-001")),
            "https://api.example/v1/models/gemini-embedding-001:batchEmbedContents");
  EXPECT_EQ(request_url(model_of("gemini", "a/b?c")),
            "https://api.example/v1/models/a%2Fb%3Fc:batchEmbedContents");
}

TEST(RequestTest, TheKeyPicksVoyagesHost) {
  const Dialect& voyage = *find_dialect("voyage");
  EXPECT_EQ(default_base_url(voyage, Secret("pa-x")), "https://api.voyageai.com/v1");
  EXPECT_EQ(default_base_url(voyage, Secret("al-x")), "https://ai.mongodb.com/v1");
  EXPECT_EQ(default_base_url(*find_dialect("openai"), Secret("al-x")), "https://api.openai.com/v1");
}

TEST(RequestTest, KnownModelsBelongToKnownApis) {
  EXPECT_EQ(find_model("voyage", "voyage-code-3").dims, 1024u);
  EXPECT_EQ(find_model("openai", "text-embedding-3-large").dims, 3072u);
  EXPECT_EQ(find_model("openai", "voyage-code-3").dims, 0u);
  EXPECT_EQ(find_dialect("nobody"), nullptr);
}

}  // namespace
}  // namespace vecmill::remote
