#pragma once

#include <string>
#include <string_view>

namespace vecmill::qdrant {

/// The id of the point that a text with this id of the user's becomes: itself where Qdrant can have
/// it (a number below 2^64 without leading zeros, a UUID in small letters with hyphens), else a
/// UUID of version 5 made of it. Always the same, so that a point that is written again replaces
/// itself.
[[nodiscard]] std::string point_id(std::string_view id);

/// The point that holds what Vecmill has on record of a collection, where the server is too old to
/// have metadata of collections. No id of a user's gives it.
[[nodiscard]] std::string record_point();

/// As JSON: 42 or "0b6ec5bd-…".
[[nodiscard]] std::string point_json(std::string_view point);

}  // namespace vecmill::qdrant
