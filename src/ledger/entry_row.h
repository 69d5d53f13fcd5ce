#pragma once

#include <string>
#include <utility>

#include "vecmill/ledger/call.h"

namespace vecmill::ledger {

/// A call from a row of kCallColumns; `number` and `text` read the column of that number.
///   errors  kInvalidData: it is damaged
template <class Number, class Text>
Result<Entry> read_entry_row(Number number, Text text) {
  if (number(2) > static_cast<std::uint64_t>(Bill::kEstimated))
    return make_error(ErrorKind::kInvalidData, "a call is damaged", "ledger");
  Entry entry;
  entry.id = number(0);
  entry.made = Date(std::chrono::seconds(static_cast<std::int64_t>(number(1))));
  entry.bill = static_cast<Bill>(number(2));
  entry.call.provider = text(3);
  entry.call.model = text(4);
  entry.call.tenant = text(5);
  entry.call.run = text(6);
  VECMILL_ASSIGN(entry.call.tags, tags_from_json(text(7)));
  entry.call.dims = static_cast<std::uint32_t>(number(8));
  entry.call.urgent = number(9) != 0;
  entry.texts = number(10);
  entry.price = number(11);
  entry.reserved = number(12);
  entry.tokens = number(13);
  entry.cost = number(14);
  return entry;
}

}  // namespace vecmill::ledger
