#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vecmill::remote {

/// What a request looks like.
enum class RequestShape : std::uint8_t {
  kTexts,     ///< {"model": "..", "input": ["..", ..], ..}
  kContents,  ///< {"requests": [{"model": "models/..", "content": {"parts": [{"text": ".."}]},
              ///< ..}]}
};

/// Where a reply keeps its vectors, as JSON pointers.
struct ReplyShape {
  std::string_view rows = "/data";                  ///< empty: the reply is the list itself
  std::string_view vector = "/embedding";           ///< of an entry; empty: it is the vector
  std::string_view tokens = "/usage/total_tokens";  ///< billed
  std::string_view tokens_header = {};              ///< instead of it
  bool indexed = true;  ///< an entry says in "index" which text it is of; else its place does
};

/// How a server that serves one model, or a model of one's own, describes it.
enum class About : std::uint8_t { kNothing, kTeiInfo, kOllamaShow };

/// How one API for embeddings differs from the others. A member that is empty does not exist there.
struct Dialect {
  std::string_view name = {};          ///< before the colon in "voyage:voyage-code-3"
  std::string_view base_url = {};      ///< the user must name one where it is empty
  std::string_view path = {};          ///< behind base_url; "{model}" in it is the model's name
  std::string_view key_variable = {};  ///< of the environment
  bool key_needed = true;
  bool own_server = false;  ///< anybody's: its limits are what its owner made them
  std::string_view key_header = "Authorization";
  std::string_view key_prefix = "Bearer ";
  RequestShape request = RequestShape::kTexts;
  std::string_view model_field = "model";
  std::string_view texts_field = "input";
  std::string_view dims_field = "dimensions";
  std::string_view encoding = {};    ///< JSON members that ask for base64
  std::string_view no_cutting = {};  ///< JSON members that forbid to cut long texts
  std::string_view role_field = {}, query_role = {}, document_role = {}, no_role = {};
  bool prompts_by_name = false;  ///< roles are prompts of the model, whose names the user says
  ReplyShape shape = {};
  About about = About::kNothing;
  std::string_view tokenizers = {};  ///< whose on the Hub has a tokenizer for each model
  bool names_model = true;           ///< a reply names the model by the name that was asked for
  bool takes_empty = false;          ///< an empty text
  bool meters_bytes = false;         ///< its limiter counts bytes / 4, whatever the tokens are
  std::uint32_t max_texts = 0;       ///< per request
  std::uint64_t max_tokens = 0;      ///< per request; 0: no limit known
  std::uint32_t requests_per_minute = 0, tokens_per_minute = 0;  ///< of the lowest paid tier; 0: ?
  std::uint32_t inputs_per_minute = 0;                           ///< texts; the same
};

[[nodiscard]] std::span<const Dialect> dialects();

/// Null: there is none of this name.
[[nodiscard]] const Dialect* find_dialect(std::string_view name);

/// What is known of a model beforehand; all 0 for others.
struct KnownModel {
  std::string_view dialect = {}, model = {};
  std::uint32_t dims = 0;        ///< unless others are asked for
  std::uint32_t max_tokens = 0;  ///< per text
  std::uint64_t max_request_tokens = 0;
  bool flexible = false;  ///< takes other dims
  bool renamed = false;   ///< replies call it by another name
  std::uint32_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0: as the dialect
  std::string_view vocabulary = {};  ///< of its tokens, where it is public: "cl100k"
  std::string_view family = {};      ///< the vendor says that its members' vectors can be compared
  bool roleless = false;             ///< knows no roles, though others of its API do
};

[[nodiscard]] KnownModel find_model(std::string_view dialect, std::string_view model);

}  // namespace vecmill::remote
