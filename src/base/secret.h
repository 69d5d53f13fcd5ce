#pragma once

#include <string>
#include <utility>

namespace vecmill {

/// A key or password. It has no way into a stream, a log or an error: who needs it asks by name.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace vecmill
