#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "vecmill/postgres/url.h"
#include "vecmill/result.h"

namespace vecmill::postgres {

/// A connection of libpq, for the files that speak to it.
using Session = std::unique_ptr<PGconn, decltype(&PQfinish)>;

///   errors  kUnavailable, kAuth, kNotFound (database), naming the URL without its password
Result<Session> connect(const Url& url);

/// The same within so long; names of hosts are looked up before that time begins.
Result<Session> connect(const Url& url, std::chrono::milliseconds within);

/// libpq's lines as one, without their levels' double spaces.
std::string one_line(std::string_view message);

}  // namespace vecmill::postgres
