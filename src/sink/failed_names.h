#pragma once

#include <cstdint>
#include <string>

#include "vecmill/sink.h"

namespace vecmill::sink {

/// Counts texts that failed, and names the first of them with the reason: for a sink that has no
/// list of them.
class FailedNames {
 public:
  void add(const OutputRow& row) {
    if (count_++ >= kNamed) return;
    names_ += (names_.empty() ? "" : ", ") + row.id + " (" + row.error->message + ")";
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// "a (reason), b (reason), ..."
  [[nodiscard]] std::string text() const { return names_ + (count_ > kNamed ? ", ..." : ""); }

 private:
  static constexpr std::uint64_t kNamed = 5;
  std::uint64_t count_ = 0;
  std::string names_;
};

}  // namespace vecmill::sink
