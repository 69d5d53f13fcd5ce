#pragma once

#include <string>

#include "vecmill/base/secret.h"
#include "vecmill/result.h"

namespace vecmill::qdrant {

/// A collection behind a URL.
struct Url {
  std::string base;        ///< "https://host:6333/prefix"
  std::string shown;       ///< the URL as given, without what may be a secret; for messages
  std::string plain_host;  ///< may be spoken to without TLS; empty: this machine only
  std::string collection;
  std::string dense = "dense", sparse = "sparse", multivector = "multivector";  ///< vectors' names
  std::string distance = "Cosine";  ///< as Qdrant writes it
  std::string text;                 ///< field of the payload that holds the text; empty: not named
  std::string key_env, key_file;    ///< where the key is; both empty: QDRANT_API_KEY, if it is set
  std::string ca_file;              ///< whom TLS trusts; empty: whom the system trusts
  bool adopt = false;  ///< vectors that are there already are of the model that is used now
  bool bulk = false;   ///< nothing is indexed before the last point is there
  bool plain = false;  ///< the key may go over the network without TLS
};

/// qdrant://HOST[:6333][/PREFIX]/COLLECTION?vector=NAME&sparse=NAME&multivector=NAME&distance=D
///     &text=FIELD&adopt=yes&bulk=yes&key_env=NAME&key_file=PATH&ca_file=PATH&plain=yes
/// and qdrants:// for TLS.
///   errors  kInvalidArgument: an unknown or repeated parameter, with the nearest valid one; a key
///   in
///           the URL; no collection. None of them holds the key
Result<Url> parse_url(const std::string& text);

/// The key that the URL says the place of; empty where none is set.
///   errors  kAuth: the variable is not set; kInvalidArgument: it would cross the network without
///           TLS; those of read_private_file
Result<Secret> find_key(const Url& url);

}  // namespace vecmill::qdrant
