#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace vecmill {

/// SHA-1, fed in pieces: only to compare with names that git gave. It protects against no one.
class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;

  void update(std::string_view bytes);

  /// The digest in 40 lower-case hex digits. The object may not be used afterwards.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vecmill
