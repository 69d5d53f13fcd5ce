#include "vecmill/remote/dialect.h"

#include <algorithm>
#include <array>

namespace vecmill::remote {
namespace {

constexpr std::string_view kBase64 = R"("encoding_format":"base64")";

// From the vendors' references, looked up on 2026-11-21.
constexpr std::array kDialects{
    Dialect{.name = "voyage",
            .base_url = "https://api.voyageai.com/v1",
            .path = "/embeddings",
            .key_variable = "VOYAGE_API_KEY",
            .dims_field = "output_dimension",
            .encoding = kBase64,
            .no_cutting = R"("truncation":false)",
            .role_field = "input_type",
            .query_role = "query",
            .document_role = "document",
            .tokenizers = "voyageai",
            .max_texts = 1000,
            .max_tokens = 120'000,
            .requests_per_minute = 2000,
            .tokens_per_minute = 3'000'000},
    Dialect{.name = "openai",
            .base_url = "https://api.openai.com/v1",
            .path = "/embeddings",
            .key_variable = "OPENAI_API_KEY",
            .encoding = kBase64,
            .meters_bytes = true,
            .max_texts = 2048,
            .max_tokens = 300'000,
            .requests_per_minute = 3000,
            .tokens_per_minute = 1'000'000},
    Dialect{.name = "azure",
            .path = "/embeddings",
            .key_variable = "AZURE_OPENAI_API_KEY",
            .key_header = "api-key",
            .key_prefix = "",
            .encoding = kBase64,
            .names_model = false,
            .max_texts = 2048,
            .max_tokens = 300'000},
    Dialect{.name = "openai-compatible",
            .path = "/embeddings",
            .key_variable = "VECMILL_REMOTE_API_KEY",
            .key_needed = false,
            .own_server = true,
            .names_model = false,
            .max_texts = 256},
    // Not its /v1/embeddings, which cannot be told not to cut long texts.
    Dialect{.name = "tei",
            .base_url = "http://127.0.0.1:8080",
            .path = "/embed",
            .key_variable = "TEI_API_KEY",
            .key_needed = false,
            .own_server = true,
            .model_field = "",
            .texts_field = "inputs",
            .no_cutting = R"("truncate":false)",
            .role_field = "prompt_name",
            .prompts_by_name = true,
            .shape = {"", "", "", "x-compute-tokens", false},
            .about = About::kTeiInfo,
            .names_model = false,
            .max_texts = 32},
    // The same.
    Dialect{.name = "ollama",
            .base_url = "http://127.0.0.1:11434",
            .path = "/api/embed",
            .key_variable = "OLLAMA_API_KEY",
            .key_needed = false,
            .own_server = true,
            .no_cutting = R"("truncate":false)",
            .shape = {"/embeddings", "", "/prompt_eval_count", "", false},
            .about = About::kOllamaShow,
            .names_model = false,
            .max_texts = 64},
    Dialect{.name = "cohere",
            .base_url = "https://api.cohere.com",
            .path = "/v2/embed",
            .key_variable = "COHERE_API_KEY",
            .texts_field = "texts",
            .dims_field = "output_dimension",
            .encoding = R"("embedding_types":["float"])",
            .no_cutting = R"("truncate":"NONE")",
            .role_field = "input_type",
            .query_role = "search_query",
            .document_role = "search_document",
            .no_role = "search_document",
            .shape = {"/embeddings/float", "", "/meta/billed_units/input_tokens", "", false},
            .names_model = false,
            .max_texts = 96,
            .inputs_per_minute = 2000},
    Dialect{.name = "jina",
            .base_url = "https://api.jina.ai/v1",
            .path = "/embeddings",
            .key_variable = "JINA_API_KEY",
            .no_cutting = R"("truncate":false)",
            .role_field = "task",
            .query_role = "retrieval.query",
            .document_role = "retrieval.passage",
            .names_model = false,
            .max_texts = 512,
            .requests_per_minute = 100,
            .tokens_per_minute = 100'000},
    Dialect{.name = "mistral",
            .base_url = "https://api.mistral.ai/v1",
            .path = "/embeddings",
            .key_variable = "MISTRAL_API_KEY",
            .dims_field = "output_dimension",
            .names_model = false,
            .max_texts = 128,
            .max_tokens = 16'000},
    // Not its address for OpenAI's clients, which knows no roles.
    Dialect{.name = "gemini",
            .base_url = "https://generativelanguage.googleapis.com/v1beta",
            .path = "/models/{model}:batchEmbedContents",
            .key_variable = "GEMINI_API_KEY",
            .key_header = "x-goog-api-key",
            .key_prefix = "",
            .request = RequestShape::kContents,
            .dims_field = "outputDimensionality",
            .role_field = "taskType",
            .query_role = "RETRIEVAL_QUERY",
            .document_role = "RETRIEVAL_DOCUMENT",
            .shape = {"/embeddings", "/values", "/usageMetadata/promptTokenCount", "", false},
            .names_model = false,
            .max_texts = 100},
};

constexpr std::array kModels{
    KnownModel{"voyage", "voyage-code-4", 1024, 32'000, 120'000, true},
    KnownModel{"voyage", "voyage-code-3", 1024, 32'000, 120'000, true},
    KnownModel{
        "voyage", "voyage-4-large", 1024, 32'000, 120'000, true, false, 0, 0, {}, "voyage-4"},
    KnownModel{
        "voyage", "voyage-4", 1024, 32'000, 320'000, true, false, 2000, 8'000'000, {}, "voyage-4"},
    KnownModel{"voyage",
               "voyage-4-lite",
               1024,
               32'000,
               1'000'000,
               true,
               false,
               2000,
               16'000'000,
               {},
               "voyage-4"},
    KnownModel{"voyage", "voyage-3-large", 1024, 32'000, 120'000, true},
    KnownModel{"voyage", "voyage-3.5", 1024, 32'000, 320'000, true, false, 2000, 8'000'000},
    KnownModel{"voyage", "voyage-3.5-lite", 1024, 32'000, 1'000'000, true, false, 2000, 16'000'000},
    KnownModel{"voyage", "voyage-finance-2", 1024, 32'000, 120'000, false},
    KnownModel{"voyage", "voyage-law-2", 1024, 16'000, 120'000, false},
    KnownModel{"voyage", "voyage-code-2", 1536, 16'000, 120'000, false},
    KnownModel{"openai", "text-embedding-3-small", 1536, 8191, 300'000, true, false, 0, 0,
               "cl100k"},
    KnownModel{"openai", "text-embedding-3-large", 3072, 8191, 300'000, true, false, 0, 0,
               "cl100k"},
    KnownModel{"openai", "text-embedding-ada-002", 1536, 8191, 300'000, false, true, 0, 0,
               "cl100k"},
    KnownModel{"cohere", "embed-v4.0", 1536, 128'000, 0, true},
    KnownModel{"mistral", "mistral-embed", 1024, 8192, 0, false},
    KnownModel{"gemini", "gemini-embedding-001", 3072, 2048, 0, true},
    // It wants its task in the text itself.
    KnownModel{.dialect = "gemini",
               .model = "gemini-embedding-2",
               .dims = 3072,
               .max_tokens = 8192,
               .flexible = true,
               .roleless = true},
};

}  // namespace

std::span<const Dialect> dialects() { return kDialects; }

const Dialect* find_dialect(std::string_view name) {
  const auto* const it = std::ranges::find(kDialects, name, &Dialect::name);
  return it == kDialects.end() ? nullptr : it;
}

KnownModel find_model(std::string_view dialect, std::string_view model) {
  const auto* const it = std::ranges::find_if(
      kModels, [&](const KnownModel& m) { return m.dialect == dialect && m.model == model; });
  return it == kModels.end() ? KnownModel{} : *it;
}

}  // namespace vecmill::remote
