#pragma once

#include <optional>
#include <random>
#include <string>
#include <utility>

#include "vecmill/postgres/connection.h"

namespace vecmill::postgres {

/// Parameters of statements. Numbers go as text, which the statement casts.
[[nodiscard]] inline Param text(std::string value) { return {kText, std::move(value)}; }

/// An array of text or bytea: of each one in the list what `item` makes of it, a string or nothing.
template <class List, class Item>
Param array(const List& list, Oid element, Item item) {
  ArrayBuilder builder(element);
  for (const auto& one : list) {
    const std::optional<std::string> value = item(one);
    value ? builder.add(*value) : builder.add_null();
  }
  return {element == kBytea ? kByteaArray : kTextArray, std::move(builder).take()};
}

/// For a call that may have to be made again: no two are ever the same.
[[nodiscard]] inline std::string unique_name() {
  thread_local std::random_device random;
  std::string name;
  for (int i = 0; i < 4; ++i) name += std::to_string(random()) + (i < 3 ? "-" : "");
  return name;
}

}  // namespace vecmill::postgres
