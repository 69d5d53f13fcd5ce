#include "vecmill/remote/reply.h"

#include <simdjson.h>

#include <cstring>

#include "vecmill/base/base64.h"

namespace vecmill::remote {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;

Error malformed(const char* what) {
  return make_error(ErrorKind::kInvalidData, std::string("the reply ") + what);
}

Status read_numbers(array numbers, std::vector<float>& out) {
  for (const element item : numbers) {
    double number = 0;
    if (item.get(number) != SUCCESS) return malformed("has a vector of other things than numbers");
    if (out.size() == kMaxReplyDims) return malformed("has a vector that is too long");
    out.push_back(static_cast<float>(number));
  }
  return {};
}

/// Little-endian float32, as all vendors send them and all our machines hold them.
Status read_base64(std::string_view text, std::vector<float>& out) {
  const auto bytes = decode_base64(text);
  if (!bytes || bytes->size() % sizeof(float) != 0) return malformed("has malformed base64");
  if (bytes->size() / sizeof(float) > kMaxReplyDims) {
    return malformed("has a vector that is too long");
  }
  out.resize(bytes->size() / sizeof(float));
  if (!out.empty()) std::memcpy(out.data(), bytes->data(), bytes->size());
  return {};
}

Status read_vector(element value, std::vector<float>& out) {
  std::string_view text;
  if (value.get(text) == SUCCESS) return read_base64(text, out);
  array numbers;
  if (value.get(numbers) == SUCCESS) return read_numbers(numbers, out);
  return malformed("has a vector that is none");
}

Result<Reply::Row> read_row(const ReplyShape& shape, element item, std::size_t place) {
  Reply::Row row{place, {}};
  element vector;
  if (shape.indexed && item["index"].get(row.index) != SUCCESS) {
    return malformed("has an entry without an index");
  }
  if (item.at_pointer(shape.vector).get(vector) != SUCCESS) {
    return malformed("has an entry without a vector");
  }
  VECMILL_TRY(read_vector(vector, row.vector));
  return row;
}

}  // namespace

Result<Reply> parse_reply(const ReplyShape& shape, std::string_view body, std::size_t max_rows) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS ||
      root.is_array() != shape.rows.empty()) {
    return malformed("is no JSON of the API's form");
  }
  array rows;
  if (root.at_pointer(shape.rows).get(rows) != SUCCESS) return malformed("has no list of vectors");
  Reply reply;
  for (const element item : rows) {
    if (reply.rows.size() == max_rows) return malformed("has more vectors than there were texts");
    VECMILL_ASSIGN(Reply::Row row, read_row(shape, item, reply.rows.size()));
    reply.rows.push_back(std::move(row));
  }
  std::string_view model;
  if (root["model"].get(model) == SUCCESS) reply.model = model;
  if (shape.tokens.empty() || root.at_pointer(shape.tokens).get(reply.tokens) != SUCCESS) {
    reply.tokens = 0;
  }
  return reply;
}

}  // namespace vecmill::remote
