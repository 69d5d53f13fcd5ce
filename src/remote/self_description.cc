#include "vecmill/remote/self_description.h"

#include <simdjson.h>

#include <limits>
#include <utility>

namespace vecmill::remote {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;
using simdjson::dom::object;

Error malformed() {
  return make_error(ErrorKind::kInvalidData, "the server does not describe its model", {},
                    "is it a server of this kind, and a recent one?");
}

template <typename Number>
Number number_of(simdjson::simdjson_result<element> value) {
  std::uint64_t number = 0;
  if (value.get(number) != SUCCESS || number > std::numeric_limits<Number>::max()) return 0;
  return static_cast<Number>(number);
}

std::string text_of(simdjson::simdjson_result<element> value) {
  std::string_view text;
  return value.get(text) == SUCCESS ? std::string(text) : std::string();
}

/// {"model_id": "..", "model_sha": "..", "model_dtype": "float16", "model_type": {"embedding":
/// {"pooling": "cls"}}, "max_input_length": 512, "max_batch_tokens": 16384,
/// "max_client_batch_size": 32, ..}
Result<SelfDescription> read_tei(element root) {
  const std::string id = text_of(root["model_id"]);
  object kinds;
  if (id.empty() || root["model_type"].get(kinds) != SUCCESS) return malformed();
  object embedding;
  if (kinds["embedding"].get(embedding) != SUCCESS) {
    const bool reranker = kinds["reranker"].error() == SUCCESS;
    return make_error(ErrorKind::kUnsupported,
                      std::string("the server's model is a ") +
                          (reranker ? "reranker" : "classifier") + ", which makes no vectors",
                      id, "serve a model for embeddings");
  }
  SelfDescription found;
  found.identity = id;
  for (const auto& [before, value] : {std::pair{"@", text_of(root["model_sha"])},
                                      {" ", text_of(root["model_dtype"])},
                                      {" ", text_of(embedding["pooling"])}}) {
    if (!value.empty()) found.identity += before + value;
  }
  found.max_tokens = number_of<std::uint32_t>(root["max_input_length"]);
  found.max_texts = number_of<std::uint32_t>(root["max_client_batch_size"]);
  found.max_request_tokens = number_of<std::uint64_t>(root["max_batch_tokens"]);
  return found;
}

/// {"capabilities": ["embedding"], "model_info": {"general.architecture": "bert",
/// "bert.context_length": 512, "bert.embedding_length": 384, ..}, ..}
Result<SelfDescription> read_ollama(element root) {
  object info;
  if (root["model_info"].get(info) != SUCCESS) return malformed();
  simdjson::dom::array abilities;
  if (root["capabilities"].get(abilities) == SUCCESS) {
    bool embeds = false;
    for (const element ability : abilities) {
      std::string_view word;
      embeds |= ability.get(word) == SUCCESS && word == "embedding";
    }
    if (!embeds) {
      return make_error(ErrorKind::kUnsupported, "the server's model makes no vectors", {},
                        "name a model for embeddings; `ollama show` says what a model can do");
    }
  }
  const std::string family = text_of(info["general.architecture"]);
  SelfDescription found;
  found.dims = number_of<std::uint32_t>(info[family + ".embedding_length"]);
  found.max_tokens = number_of<std::uint32_t>(info[family + ".context_length"]);
  return found;
}

}  // namespace

Result<SelfDescription> read_self_description(About about, std::string_view body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS || !root.is_object()) {
    return malformed();
  }
  switch (about) {
    case About::kTeiInfo: return read_tei(root);
    case About::kOllamaShow: return read_ollama(root);
    case About::kNothing: break;
  }
  return SelfDescription{};
}

}  // namespace vecmill::remote
