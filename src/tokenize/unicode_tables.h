#pragma once

#include <cstddef>
#include <cstdint>

/// Generated data (tools/unicode/generate.py); unicode.h gives it meaning. A property of c is
/// Second[First[c / 128] * 128 + c % 128].
namespace vecmill::tokenize::tables {

extern const std::uint16_t kFlagsFirst[], kFlagsSecond[];
extern const std::uint16_t kCategoryFirst[], kScriptFirst[], kGraphemeFirst[], kCombiningFirst[];
extern const std::uint8_t kCategorySecond[], kScriptSecond[], kGraphemeSecond[], kCombiningSecond[];

/// Index i > 0 stands for Pool[Offsets[i - 1] .. Offsets[i]); 0: the character stays as it is.
extern const std::uint16_t kLowerFirst[], kLowerSecond[], kLowerOffsets[];
extern const std::uint16_t kNfdFirst[], kNfdSecond[], kNfdOffsets[];
extern const std::uint16_t kNfkdFirst[], kNfkdSecond[], kNfkdOffsets[];
extern const char32_t kLowerPool[], kNfdPool[], kNfkdPool[];

struct Composition {
  char32_t first, second, whole;
};
extern const std::size_t kCompositionCount;
extern const Composition kCompositions[];  ///< sorted by first, second

}  // namespace vecmill::tokenize::tables
