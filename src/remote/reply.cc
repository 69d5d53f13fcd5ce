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

Status read_data(element root, std::size_t max_rows, Reply& reply) {
  array data;
  if (root["data"].get(data) != SUCCESS) return malformed("has no list 'data'");
  for (const element item : data) {
    Reply::Row row;
    element vector;
    if (item["index"].get(row.index) != SUCCESS || item["embedding"].get(vector) != SUCCESS) {
      return malformed("has an entry without index or embedding");
    }
    if (reply.rows.size() == max_rows) return malformed("has more vectors than there were texts");
    VECMILL_TRY(read_vector(vector, row.vector));
    reply.rows.push_back(std::move(row));
  }
  std::string_view model;
  if (root["model"].get(model) == SUCCESS) reply.model = model;
  if (root["usage"]["total_tokens"].get(reply.tokens) != SUCCESS) reply.tokens = 0;
  return {};
}

Status read_typed(element root, std::size_t max_rows, Reply& reply) {
  array rows;
  if (root["embeddings"]["float"].get(rows) != SUCCESS) return malformed("has no vectors");
  for (const element item : rows) {
    Reply::Row row{reply.rows.size(), {}};
    if (reply.rows.size() == max_rows) return malformed("has more vectors than there were texts");
    VECMILL_TRY(read_vector(item, row.vector));
    reply.rows.push_back(std::move(row));
  }
  if (root["meta"]["billed_units"]["input_tokens"].get(reply.tokens) != SUCCESS) reply.tokens = 0;
  return {};
}

}  // namespace

Result<Reply> parse_reply(ReplyShape shape, std::string_view body, std::size_t max_rows) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body.data(), body.size(), true).get(root) != SUCCESS || !root.is_object()) {
    return malformed("is not a JSON object");
  }
  Reply reply;
  VECMILL_TRY(shape == ReplyShape::kData ? read_data(root, max_rows, reply)
                                         : read_typed(root, max_rows, reply));
  return reply;
}

}  // namespace vecmill::remote
