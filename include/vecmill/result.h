#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace vecmill {

/// Every way a call can fail for a reason outside the program. One table each maps a kind to an
/// exit code, an HTTP status and a Python exception.
enum class ErrorKind : std::uint8_t {
  kInvalidArgument,  ///< the caller asked for something that cannot be: usage or configuration
  kInvalidData,      ///< bytes from outside are not what they must be
  kNotFound,         ///< a file, model, field or id is not there
  kUnsupported,      ///< well-formed, but names something Vecmill does not implement
  kMismatch,         ///< two things that must agree do not (space, checksum, dimension)
  kIo,               ///< disk full, unwritable, unreadable
  kAuth,             ///< key missing or refused
  kUnavailable,      ///< a server did not answer, or not in time
  kLimited,          ///< a rate limit or budget stopped it
  kTooLong,          ///< a text exceeds what the model takes and truncation was refused
  kCancelled,        ///< interrupted by the user or by shutdown
};

/// `message` says what is wrong, `where` names the place (file, line, field), `hint` the way out.
/// None of them ever holds a text, a vector or a secret.
struct Error {
  ErrorKind kind = ErrorKind::kInvalidArgument;
  std::string message;
  std::string where;
  std::string hint;
  std::optional<std::chrono::milliseconds> retry_after;

  /// "where: message; hint" with the empty parts left out.
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] std::string_view name(ErrorKind kind);

/// A value or an Error. Ignoring one does not compile.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Base base) : Base(std::move(base)) {}                            // NOLINT
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}  // NOLINT
};

using Status = Result<void>;

[[nodiscard]] inline Error make_error(ErrorKind kind, std::string message, std::string where = {},
                                      std::string hint = {}) {
  return Error{kind, std::move(message), std::move(where), std::move(hint), std::nullopt};
}

}  // namespace vecmill

#define VECMILL_CONCAT_(a, b) a##b
#define VECMILL_CONCAT(a, b) VECMILL_CONCAT_(a, b)

/// VECMILL_TRY(expr): returns the Error of `expr` from the calling function, if there is one.
#define VECMILL_TRY(expr)                                                              \
  do {                                                                                 \
    auto vecmill_status_ = (expr);                                                     \
    if (!vecmill_status_) return ::vecmill::Error(std::move(vecmill_status_).error()); \
  } while (false)

/// VECMILL_ASSIGN(auto x, expr): binds the value of `expr` to `x`, or returns its Error.
#define VECMILL_ASSIGN(decl, expr) \
  VECMILL_ASSIGN_(VECMILL_CONCAT(vecmill_result_, __LINE__), decl, expr)
#define VECMILL_ASSIGN_(tmp, decl, expr)                     \
  auto tmp = (expr);                                         \
  if (!tmp) return ::vecmill::Error(std::move(tmp).error()); \
  decl = std::move(*tmp)
