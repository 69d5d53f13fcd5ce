#pragma once

#include <cstdint>
#include <string>

namespace vecmill {

/// One text on its way through. `id` is the user's own key and may be logged; `text` never is.
struct Record {
  std::string id;
  std::string text;      ///< valid UTF-8, exactly as it was read
  std::string metadata;  ///< one JSON object as text, or empty; goes along to every sink
};

}  // namespace vecmill
