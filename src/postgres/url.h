#pragma once

#include <string>
#include <vector>

#include "vecmill/base/secret.h"
#include "vecmill/postgres.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// A table behind a URL: the connection as libpq takes it, and our own parameters.
struct Url {
  Secret connection;  ///< the URI without our parameters
  std::string shown;  ///< the URL as given, without its password; for messages
  std::string schema, table;
  std::vector<std::string> keys;      ///< columns; empty: the primary key
  std::string text, vector, sparse;   ///< columns; empty: not named
  std::string where;                  ///< SQL of the user's own, or empty
  std::vector<std::string> metadata;  ///< columns
  bool adopt = false;  ///< vectors that are there already are of the model that is used now
};

/// postgres://USER@HOST:PORT/DATABASE?table=T&key=A,B&text=C&vector=V&sparse=W&schema=S&where=SQL
///     &metadata=D,E&adopt=yes, and whatever libpq knows (sslmode, connect_timeout, ...).
///   errors  kInvalidArgument: an unknown or repeated parameter, with the nearest valid one; no
///           table; what libpq cannot read. None of them holds the password
Result<Url> parse_url(const std::string& text);

/// The same without a table: a place in a database, of which only `schema` may be named.
Result<Url> parse_database(const std::string& text);

}  // namespace vecmill::postgres
