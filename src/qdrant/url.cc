#include "vecmill/qdrant/url.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "vecmill/base/percent.h"
#include "vecmill/base/private_file.h"
#include "vecmill/base/suggest.h"
#include "vecmill/base/utf8.h"
#include "vecmill/http/address.h"
#include "vecmill/place.h"

namespace vecmill::qdrant {
namespace {

constexpr const char* kPort = "6333";
constexpr const char* kKeyVariable = "QDRANT_API_KEY";
constexpr const char* kKeyHint =
    "put the key into the variable QDRANT_API_KEY, or name another with key_env=NAME, or a file "
    "with key_file=PATH";
constexpr std::size_t kMostNameBytes = 255;

constexpr std::array<std::string_view, 11> kParameters = {
    "vector", "sparse",  "multivector", "distance", "text", "adopt",
    "bulk",   "key_env", "key_file",    "ca_file",  "plain"};
constexpr std::array<std::string_view, 4> kDistances = {"Cosine", "Dot", "Euclid", "Manhattan"};

Error bad(const Url& url, std::string message, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), url.shown, std::move(hint));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Status set_switch(Url& url, std::string_view name, const std::string& value) {
  if (value != "yes" && value != "no")
    return bad(url, std::string(name) + " is neither yes nor no");
  (name == "adopt" ? url.adopt : name == "bulk" ? url.bulk : url.plain) = value == "yes";
  return {};
}

Status set_distance(Url& url, const std::string& value) {
  const auto same = [&](std::string_view known) {
    return std::ranges::equal(known, value, {}, lower, lower);
  };
  const auto found = std::ranges::find_if(kDistances, same);
  if (found == kDistances.end()) {
    return bad(url, "there is no distance " + value, "known are cosine, dot, euclid and manhattan");
  }
  url.distance = *found;
  return {};
}

Status set_parameter(Url& url, std::string_view name, std::string_view raw) {
  auto value = percent_decode(raw);
  if (!value) return bad(url, "% without two hexadecimal digits in " + std::string(name));
  if (value->empty()) return bad(url, std::string(name) + " is empty");
  if (name == "adopt" || name == "bulk" || name == "plain") return set_switch(url, name, *value);
  if (name == "distance") return set_distance(url, *value);
  if (!is_valid_utf8(*value)) return bad(url, std::string(name) + " is not UTF-8");
  (name == "vector"        ? url.dense
   : name == "sparse"      ? url.sparse
   : name == "multivector" ? url.multivector
   : name == "text"        ? url.text
   : name == "key_env"     ? url.key_env
   : name == "key_file"    ? url.key_file
                           : url.ca_file) = std::move(*value);
  return {};
}

Status set_parameters(Url& url, std::string_view query) {
  std::set<std::string_view> seen;
  for (std::size_t from = 0; from < query.size();) {
    const auto end = std::min(query.find('&', from), query.size());
    const std::string_view field = query.substr(from, end - from);
    from = end + 1;
    if (field.empty()) continue;
    const auto equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    if (std::ranges::find(kParameters, name) == kParameters.end()) {
      const bool key = name.find("key") != std::string_view::npos || name == "token";
      return bad(url, "has no parameter " + std::string(name),
                 key ? kKeyHint : suggestion(name, kParameters));
    }
    if (equals == std::string_view::npos) return bad(url, std::string(name) + " has no value");
    if (!seen.insert(name).second) return bad(url, std::string(name) + " is given twice");
    VECMILL_TRY(set_parameter(url, name, field.substr(equals + 1)));
  }
  return {};
}

Status set_collection(Url& url, std::string_view raw) {
  const auto name = percent_decode(raw);
  if (raw.empty()) return bad(url, "names no collection", "write it like qdrant://host:6333/notes");
  const bool fits = name && name->size() <= kMostNameBytes && is_valid_utf8(*name) &&
                    name->find_first_of("<>:\"/\\|?*") == std::string::npos;
  if (!fits) return bad(url, "is no name that a collection can have");
  url.collection = *name;
  return {};
}

/// The address in front of the collection: the default port is put in.
Status set_base(Url& url, std::string_view authority, std::string_view prefix, bool tls) {
  const auto host_end = authority.starts_with('[') ? authority.find(']') : 0;
  const bool has_port =
      authority.find(':', host_end == authority.npos ? 0 : host_end) != std::string_view::npos;
  url.base = (tls ? "https://" : "http://") + std::string(authority) +
             (has_port ? "" : ":" + std::string(kPort)) + std::string(prefix);
  const auto host = http::host_of(url.base);
  if (authority.empty() || !host) {
    return bad(url, "is no address", "write it like qdrant://host:6333/notes");
  }
  if (!tls) url.plain_host = *host;
  return {};
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  Url url;
  url.shown = shown_place(text);
  if (!is_qdrant_url(text)) return bad(url, "is not a URL of Qdrant");
  if (text.find_first_of(std::string_view("\0#\r\n", 4)) != std::string::npos) {
    return bad(url, "holds a '#', a line end or U+0000", "write such bytes as %XX");
  }
  const bool tls = text.starts_with("qdrants");
  const auto question = std::min(text.find('?'), text.size());
  const std::string_view place =
      std::string_view(text).substr(0, question).substr(text.find("://") + 3);
  if (place.find('@') != std::string_view::npos) {
    return bad(url, "holds an '@': a user or key does not belong into it", kKeyHint);
  }
  const auto slash = std::min(place.find('/'), place.size());
  const auto last = place.rfind('/');
  VECMILL_TRY(set_collection(
      url, last == std::string_view::npos ? std::string_view() : place.substr(last + 1)));
  VECMILL_TRY(set_base(url, place.substr(0, slash), place.substr(slash, last - slash), tls));
  if (question < text.size()) {
    VECMILL_TRY(set_parameters(url, std::string_view(text).substr(question + 1)));
  }
  if (url.dense == url.sparse || url.dense == url.multivector || url.sparse == url.multivector) {
    return bad(url, "gives two vectors one name");
  }
  return url;
}

Result<Secret> find_key(const Url& url) {
  std::string key;
  if (!url.key_file.empty()) {
    VECMILL_ASSIGN(key, read_private_file(url.key_file, "others could use the database"));
    key.erase(key.find_last_not_of(" \t\r\n") + 1);
  } else {
    const std::string name = url.key_env.empty() ? kKeyVariable : url.key_env;
    const char* value = std::getenv(name.c_str());
    if (value) key = value;
    if (key.empty() && !url.key_env.empty()) {
      return make_error(ErrorKind::kAuth, "the variable " + name + " is not set", url.shown);
    }
  }
  const bool leaves = !url.plain_host.empty() && !http::is_loopback(url.plain_host);
  if (!key.empty() && leaves && !url.plain) {
    return bad(url, "would show the key to the network",
               "use qdrants://, or add plain=yes where the network is yours");
  }
  return Secret(std::move(key));
}

}  // namespace vecmill::qdrant
