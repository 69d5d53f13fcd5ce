#include "vecmill/sink/checkpoint.h"

#include <charconv>
#include <map>
#include <span>
#include <utility>

#include "vecmill/base/hash.h"
#include "vecmill/base/json_text.h"

namespace vecmill::sink {
namespace {

using Members = std::map<std::string, std::string>;  // raw JSON values

void add_text(std::string& out, std::string_view key, std::string_view value) {
  out += "  ";
  append_json_string(out, key);
  out += ": ";
  append_json_string(out, value);
  out += ",\n";
}

void add_number(std::string& out, std::string_view key, std::uint64_t value) {
  out += "  ";
  append_json_string(out, key);
  out += ": " + std::to_string(value) + ",\n";
}

void add_identity(std::string& out, const Identity& identity) {
  add_number(out, "format", 1);
  add_text(out, "space", identity.info.space);
  add_text(out, "arithmetic", identity.info.arithmetic);
  add_text(out, "model", identity.info.model);
  add_number(out, "dims", identity.info.dims);
  add_number(out, "max_tokens", identity.info.max_tokens);
  if (!identity.info.outputs.only_dense()) {
    add_text(out, "outputs", name(identity.info.outputs));
    add_number(out, "multivector_dims", identity.info.multivector_dims);
  }
  if (!identity.info.fallback.empty()) add_text(out, "fallback", identity.info.fallback);
  add_text(out, "store", identity.store);
}

void add_common(std::string& out, const Identity& identity, const Counts& counts) {
  add_identity(out, identity);
  add_number(out, "rows", counts.rows);
  add_number(out, "failed", counts.failed);
  add_number(out, "truncated", counts.truncated);
  if (counts.degraded > 0) add_number(out, "degraded", counts.degraded);
}

std::string closed(std::string out) {
  out.resize(out.size() - 2);  // the last comma
  return out + "\n}\n";
}

std::uint64_t sum_of(std::string_view text) {
  return checksum(std::as_bytes(std::span(text.data(), text.size())));
}

Error damaged(const std::string& where, const std::string& what) {
  return make_error(ErrorKind::kInvalidData, "is damaged: " + what, where);
}

Result<Members> parse_members(std::string_view text, const std::string& where) {
  std::vector<JsonField> fields;
  if (const auto problem = scan_json_object(text, fields)) {
    return damaged(where, "it " + std::string(problem->what));
  }
  Members members;
  for (const JsonField& field : fields) members[std::string(field.key)] = std::string(field.value);
  return members;
}

Result<std::uint64_t> number(const Members& members, const std::string& key,
                             const std::string& where) {
  std::uint64_t value = 0;
  const auto found = members.find(key);
  if (found == members.end()) return damaged(where, "\"" + key + "\" is missing");
  const char* end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return damaged(where, "\"" + key + "\" is not a count");
  }
  return value;
}

Result<std::string> text_of(const Members& members, const std::string& key,
                            const std::string& where) {
  const auto found = members.find(key);
  if (found == members.end()) return damaged(where, "\"" + key + "\" is missing");
  auto value = json_string(found->second);
  if (!value) return damaged(where, "\"" + key + "\" is not a string");
  return *std::move(value);
}

/// An output of dense vectors alone does not say so.
Status read_outputs(const Members& members, const std::string& where, SpaceInfo& info) {
  if (!members.contains("outputs")) return {};
  VECMILL_ASSIGN(const std::string names, text_of(members, "outputs", where));
  const auto outputs = parse_outputs(names, where);
  if (!outputs) return damaged(where, "\"outputs\" is impossible");
  VECMILL_ASSIGN(const std::uint64_t dims, number(members, "multivector_dims", where));
  if (dims > (1u << 20) || outputs->multivector != (dims > 0)) {
    return damaged(where, "\"multivector_dims\" is impossible");
  }
  info.outputs = *outputs;
  info.multivector_dims = static_cast<std::uint32_t>(dims);
  return {};
}

Result<Identity> identity_of(const Members& members, const std::string& where) {
  Identity identity;
  VECMILL_ASSIGN(const std::uint64_t format, number(members, "format", where));
  if (format != 1) {
    return make_error(ErrorKind::kUnsupported, "has format " + std::to_string(format), where,
                      "use the version of Vecmill that wrote it");
  }
  VECMILL_ASSIGN(identity.info.space, text_of(members, "space", where));
  VECMILL_ASSIGN(identity.info.arithmetic, text_of(members, "arithmetic", where));
  VECMILL_ASSIGN(identity.info.model, text_of(members, "model", where));
  VECMILL_ASSIGN(const std::uint64_t dims, number(members, "dims", where));
  if (dims == 0 || dims > (1u << 20)) return damaged(where, "\"dims\" is impossible");
  identity.info.dims = static_cast<std::uint32_t>(dims);
  VECMILL_ASSIGN(const std::uint64_t max_tokens, number(members, "max_tokens", where));
  if (max_tokens > UINT32_MAX) return damaged(where, "\"max_tokens\" is impossible");
  identity.info.max_tokens = static_cast<std::uint32_t>(max_tokens);
  VECMILL_TRY(read_outputs(members, where, identity.info));
  if (members.contains("fallback")) {
    VECMILL_ASSIGN(identity.info.fallback, text_of(members, "fallback", where));
  }
  VECMILL_ASSIGN(identity.store, text_of(members, "store", where));
  return identity;
}

Result<Meta> common_of(const Members& members, const std::string& where) {
  Meta meta;
  VECMILL_ASSIGN(meta.identity, identity_of(members, where));
  VECMILL_ASSIGN(meta.counts.rows, number(members, "rows", where));
  VECMILL_ASSIGN(meta.counts.failed, number(members, "failed", where));
  VECMILL_ASSIGN(meta.counts.truncated, number(members, "truncated", where));
  if (members.contains("degraded")) {
    VECMILL_ASSIGN(meta.counts.degraded, number(members, "degraded", where));
  }
  return meta;
}

std::string describe(const Identity& identity) {
  return identity.info.model + " (space " + identity.info.space.substr(0, 12) + ", " +
         identity.info.arithmetic + ", " + std::to_string(identity.info.dims) + " dimensions, " +
         identity.store + ", " + name(identity.info.outputs) + ")";
}

}  // namespace

Status check_same(const Identity& found, const Identity& wanted, const std::string& where) {
  if (found.info.space == wanted.info.space && found.info.arithmetic == wanted.info.arithmetic &&
      found.info.dims == wanted.info.dims && found.store == wanted.store &&
      found.info.outputs == wanted.info.outputs &&
      found.info.multivector_dims == wanted.info.multivector_dims) {
    return {};
  }
  return make_error(ErrorKind::kMismatch,
                    "holds vectors of " + describe(found) + ", this run makes " + describe(wanted),
                    where, "choose another output, or the same model and options");
}

std::string to_text(const Checkpoint& checkpoint) {
  std::string out = "{\n";
  add_common(out, checkpoint.identity, checkpoint.counts);
  add_number(out, "finished", checkpoint.finished ? 1 : 0);
  add_text(out, "position", checkpoint.position);
  for (std::size_t i = 0; i < checkpoint.sizes.size(); ++i) {
    add_number(out, "size" + std::to_string(i), checkpoint.sizes[i]);
  }
  out = closed(std::move(out));
  return std::to_string(sum_of(out)) + "\n" + out;
}

Result<Checkpoint> parse_checkpoint(const std::string& text, const std::string& where) {
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) return damaged(where, "it ends early");
  const std::string body = text.substr(line + 1);
  if (text.substr(0, line) != std::to_string(sum_of(body))) {
    return damaged(where, "its checksum is wrong");
  }
  VECMILL_ASSIGN(const Members members, parse_members(body, where));
  VECMILL_ASSIGN(Meta meta, common_of(members, where));
  Checkpoint checkpoint{std::move(meta.identity), meta.counts, false, {}, {}};
  VECMILL_ASSIGN(const std::uint64_t finished, number(members, "finished", where));
  checkpoint.finished = finished != 0;
  VECMILL_ASSIGN(checkpoint.position, text_of(members, "position", where));
  for (std::size_t i = 0; members.count("size" + std::to_string(i)) != 0; ++i) {
    VECMILL_ASSIGN(const std::uint64_t size, number(members, "size" + std::to_string(i), where));
    checkpoint.sizes.push_back(size);
  }
  return checkpoint;
}

std::string meta_text(const Identity& identity, const Counts& counts) {
  std::string out = "{\n";
  add_common(out, identity, counts);
  return closed(std::move(out));
}

Result<Meta> parse_meta(const std::string& text, const std::string& where) {
  VECMILL_ASSIGN(const Members members, parse_members(text, where));
  return common_of(members, where);
}

std::string identity_text(const Identity& identity) {
  std::string out = "{\n";
  add_identity(out, identity);
  return closed(std::move(out));
}

Result<Identity> parse_identity(const std::string& text, const std::string& where) {
  VECMILL_ASSIGN(const Members members, parse_members(text, where));
  return identity_of(members, where);
}

}  // namespace vecmill::sink
