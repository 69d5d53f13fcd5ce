#pragma once

#include <string>
#include <string_view>

#include "vecmill/result.h"

namespace vecmill::postgres {

/// What a server said of a statement that failed.
struct Failure {
  std::string state;    ///< SQLSTATE; empty: the connection broke
  std::string message;  ///< the primary message
};

/// Whether the same statement may succeed when it is run again.
[[nodiscard]] bool is_transient(std::string_view state);

/// Whether the session is gone with it.
[[nodiscard]] bool is_lost(std::string_view state);

/// The error for people. `where` names the place.
[[nodiscard]] Error to_error(const Failure& failure, const std::string& where);

}  // namespace vecmill::postgres
