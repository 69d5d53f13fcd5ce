#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "vecmill/qdrant/reply.h"
#include "vecmill/qdrant/url.h"
#include "vecmill/result.h"

namespace vecmill::qdrant {

struct ClientOptions {
  int first_attempts = 3;              ///< before the server has answered once
  int attempts = 10;                   ///< later: about a minute, for a server that starts again
  std::chrono::seconds deadline{120};  ///< of one request
  std::function<void(std::chrono::nanoseconds)> wait = {};  ///< before the next; empty: sleeps
};

/// One collection of a server, over kept connections. A request that the server throttled, or did
/// not answer, or answered with an error of its own, is sent again: all that is sent here can be.
/// For one thread.
class Client {
 public:
  /// Asks for the version.
  ///   errors  kUnavailable, kAuth; kUnsupported: older than 1.12; those of find_key
  static Result<Client> open(Url url, ClientOptions options = {});
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  [[nodiscard]] const Url& url() const;
  [[nodiscard]] const Version& version() const;

  // Errors of all below: kUnavailable; kAuth; kNotFound: no such collection; kIo: no space left;
  // kTooLong: too much for one request or reply; kInvalidData: the server refuses the request.

  /// Nothing: there is no such collection.
  Result<std::optional<Collection>> describe();

  /// Makes the collection; one that another made meanwhile is no error.
  ///   body  as JSON: vectors, sparse_vectors, metadata
  Status create(const std::string& body);

  /// Changes settings of the collection.
  Status change(const std::string& body);

  /// Writes whole points, each a JSON object; they are there when it returns.
  Status write(std::span<const std::string> points);

  /// Those of the points that are there, in no order.
  Result<std::vector<Point>> retrieve(std::span<const std::string> ids, bool vectors);

  /// The points from an id on, in the order of the ids; `from` empty: from the first.
  Result<Page> scroll(const std::string& from, std::size_t limit, const std::string& text_field);

  /// As `scroll`, of the payload only our stamp.
  Result<Page> list(const std::string& from, std::size_t limit);

  /// Removes those of the points whose stamp has one of the hashes of texts; when it returns they
  /// are gone.
  Status remove(std::span<const std::string> ids, const std::set<std::string>& text_hashes);

  Result<std::uint64_t> count();

  /// The nearest points. `query`: a vector as JSON, `vector`: which of a point's.
  Result<std::vector<Scored>> search(const std::string& query, const std::string& vector,
                                     std::size_t limit);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vecmill::qdrant
