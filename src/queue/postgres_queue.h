#pragma once

#include <memory>
#include <string>

#include "vecmill/queue/queue.h"
#include "vecmill/result.h"

namespace vecmill::queue {

/// A queue in a database of PostgreSQL (14 or later), for workers of many machines:
/// postgres://USER@HOST/DATABASE?schema=S.
///   create  its tables and functions are made when they are not there
/// A call after which the connection is lost is made again and takes effect once, if the server is
/// back within a minute.
///   errors  those of postgres::parse_database and postgres::Connection::open; kNotFound: the
///           schema, the queue; kUnsupported: made by another version
Result<std::unique_ptr<Queue>> open_postgres_queue(const std::string& url, bool create = true);

}  // namespace vecmill::queue
