#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/secret.h"
#include "vecmill/http/client.h"
#include "vecmill/provider.h"
#include "vecmill/remote/dialect.h"
#include "vecmill/remote/self_description.h"
#include "vecmill/remote/token_estimate.h"

namespace vecmill::remote {

/// One model of one API.
struct RemoteModel {
  const Dialect* dialect = nullptr;
  std::string base_url = {};     ///< without a slash at its end
  bool at_vendor = false;        ///< base_url is the vendor's own: nobody named another
  std::string name = {};         ///< as the API calls it
  std::uint32_t dims = 0;        ///< to be asked for; 0: what the model has
  std::uint32_t known_dims = 0;  ///< what it has, where that is known
  SelfDescription self = {};     ///< of a server that says what it serves
  std::string provider = {};     ///< as the user calls the API; empty: as the dialect
  std::string key_from = {};     ///< the variable or file that holds the key
  std::string query_prompt = {}, document_prompt = {};  ///< names, where roles are prompts

  [[nodiscard]] std::uint32_t expected_dims() const { return dims > 0 ? dims : known_dims; }
};

/// As the user calls it: "voyage", "mycorp".
[[nodiscard]] std::string provider_name(const RemoteModel& model);

/// "voyage:voyage-code-3"
[[nodiscard]] std::string full_name(const RemoteModel& model);

using TokenIds = std::vector<TokenId>;

/// The body of a request for the vectors of these texts (valid UTF-8), in JSON.
///   ids  of each text, which are sent in its place; empty: the texts are
[[nodiscard]] std::string request_body(const RemoteModel& model,
                                       std::span<const std::string_view> texts, Role role,
                                       std::span<const TokenIds> ids = {});

/// Whether this API's limiter may charge token ids less than the texts they stand for.
[[nodiscard]] bool takes_tokens(const RemoteModel& model);

/// The ids of all texts, where a limiter that counts bytes / 4 of texts charges ids less. Empty:
/// the texts are to be sent. A short text alone is not worth reading a vocabulary for.
[[nodiscard]] std::vector<TokenIds> cheaper_tokens(const RemoteModel& model,
                                                   std::span<const std::string_view> texts,
                                                   const TokensOf& tokens_of);

/// Where it is sent.
[[nodiscard]] std::string request_url(const RemoteModel& model);

[[nodiscard]] std::vector<http::Header> request_headers(const Dialect& dialect, const Secret& key);

/// Where a key belongs; a key that starts with al- is one of MongoDB's for Voyage.
[[nodiscard]] std::string default_base_url(const Dialect& dialect, const Secret& key);

/// What the API calls a role for this model; empty: nothing is sent.
[[nodiscard]] std::string_view role_name(const RemoteModel& model, Role role);

}  // namespace vecmill::remote
