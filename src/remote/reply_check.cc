#include "vecmill/remote/reply_check.h"

#include <cmath>
#include <unordered_map>
#include <vector>

#include "vecmill/base/hash.h"

namespace vecmill::remote {
namespace {

Error wrong(const std::string& what) {
  return make_error(ErrorKind::kInvalidData, "the reply " + what);
}

Status check_indices(const Reply& reply, std::size_t texts) {
  std::vector<bool> seen(texts, false);
  for (const Reply::Row& row : reply.rows) {
    if (row.index >= texts || seen[row.index]) return wrong("numbers its vectors wrongly");
    seen[row.index] = true;
  }
  return {};
}

Status check_vector(std::span<const float> vector) {
  double norm = 0;
  for (const float x : vector) {
    if (!std::isfinite(x)) return wrong("has a vector with a number that is not finite");
    norm += static_cast<double>(x) * static_cast<double>(x);
  }
  if (norm == 0) return wrong("has a vector of length 0");
  return {};
}

/// What of a text every model can tell apart.
std::string essence(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7F) continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

Status check_distinct(const Reply& reply, std::span<const std::string_view> texts) {
  std::unordered_map<std::uint64_t, const Reply::Row*> seen;
  for (const Reply::Row& row : reply.rows) {
    const auto [it, fresh] = seen.emplace(checksum(std::as_bytes(std::span(row.vector))), &row);
    const Reply::Row& other = *it->second;
    if (fresh || other.vector != row.vector) continue;
    if (essence(texts[other.index]) != essence(texts[row.index])) {
      return wrong("has one vector for two texts");
    }
  }
  return {};
}

}  // namespace

Status check_reply(const Reply& reply, const Asked& asked) {
  if (reply.rows.size() != asked.texts.size()) {
    return wrong("has " + std::to_string(reply.rows.size()) + " vectors for " +
                 std::to_string(asked.texts.size()) + " texts");
  }
  if (!asked.model.empty() && reply.model != asked.model) return wrong("is of another model");
  VECMILL_TRY(check_indices(reply, asked.texts.size()));
  for (const Reply::Row& row : reply.rows) {
    const std::size_t dims = asked.dims > 0 ? asked.dims : reply.rows.front().vector.size();
    if (row.vector.empty() || row.vector.size() != dims) {
      return wrong("has a vector of " + std::to_string(row.vector.size()) + " components, " +
                   std::to_string(dims) + " were expected");
    }
    VECMILL_TRY(check_vector(row.vector));
  }
  return check_distinct(reply, asked.texts);
}

}  // namespace vecmill::remote
