#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vecmill::engine {

/// The rows of an output by their ids, with the texts they were made of, and which of them have
/// been met in the source: 18 to 37 bytes a row, however long its id is, and half as much again
/// while it grows. Of an id 80 bits of a checksum count, of a text's hash 47: at a hundred million
/// rows the chance that any two are taken for one is below 1e-8, that a changed text is taken for
/// the old one below 1e-14.
class RowTable {
 public:
  enum class Found : std::uint8_t {
    kNot,
    kSame,   ///< and of the same text, as far as is known
    kOther,  ///< of another text
  };

  RowTable();

  /// Before any is met; replaces a row that is there already. `text_hash`: SHA-256 in hex; empty:
  /// not known, no text is the same.
  void add(std::string_view id, std::string_view text_hash);

  /// Looks for a record of the source. `text_hash` empty: any text is the same.
  [[nodiscard]] Found find(std::string_view id, std::string_view text_hash) const;

  /// As `find`; what is found is met from now on.
  Found meet(std::string_view id, std::string_view text_hash);

  /// Whether the row is there and no record met it.
  [[nodiscard]] bool is_alone(std::string_view id) const;

  [[nodiscard]] std::uint64_t size() const { return count_; }
  [[nodiscard]] std::uint64_t met() const { return met_; }

 private:
  /// `low`: 64 bits of the id; 0: free. `high`: 16 more, 47 bits of the text, 1 bit: met.
  struct Slot {
    std::uint64_t low = 0, high = 0;
  };
  static Slot slot_of(std::string_view id);
  static std::size_t place_of(const std::vector<Slot>& slots, Slot wanted);
  [[nodiscard]] const Slot* look_up(std::string_view id) const;

  std::vector<Slot> slots_;
  std::uint64_t count_ = 0, met_ = 0;
};

}  // namespace vecmill::engine
