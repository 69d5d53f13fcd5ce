#include "vecmill/place.h"

#include <algorithm>
#include <array>
#include <span>

namespace vecmill {
namespace {

constexpr std::array<std::string_view, 2> kPostgres = {"postgres://", "postgresql://"};
constexpr std::array<std::string_view, 2> kQdrant = {"qdrant://", "qdrants://"};
/// What people take for the name of the parameter that would hold a password or key.
constexpr std::array<std::string_view, 2> kPostgresSecrets = {"password=", "sslpassword="};
constexpr std::array<std::string_view, 6> kQdrantSecrets = {
    "api_key=", "api-key=", "apikey=", "key=", "token=", "password="};

std::string_view scheme_of(std::string_view place, std::span<const std::string_view> schemes) {
  for (const auto scheme : schemes) {
    if (place.starts_with(scheme)) return scheme;
  }
  return {};
}

/// Hides the value of each `name=` behind the '?'.
void hide_parameter(std::string& url, std::string_view name) {
  for (auto at = url.find('?'); at != std::string::npos; at = url.find('&', at + 1)) {
    if (url.compare(at + 1, name.size(), name) != 0) continue;
    const auto from = at + 1 + name.size();
    url.replace(from, std::min(url.find('&', from), url.size()) - from, "***");
  }
}

/// Hides what stands before the host, behind its user's name where that is `kept`.
void hide_password(std::string& url, std::size_t start, bool kept) {
  if (start >= url.size() || url[start] == '/' || url[start] == '?') return;
  // A password that is not encoded as it should be may hold '/', '@' and '?': rather too much.
  auto at = url.rfind('@', url.find('?', start));
  if (at == std::string::npos || at < start) at = url.rfind('@');
  if (at == std::string::npos || at < start) return;
  const auto from = kept ? std::min(url.find(':', start), at) + 1 : start;
  if (from <= at) url.replace(from, at - from, "***");
}

}  // namespace

bool is_postgres_url(std::string_view place) { return !scheme_of(place, kPostgres).empty(); }
bool is_qdrant_url(std::string_view place) { return !scheme_of(place, kQdrant).empty(); }
bool is_on_server(std::string_view place) { return is_postgres_url(place) || is_qdrant_url(place); }

std::string shown_place(std::string_view place) {
  std::string url(place);
  // Parameters first: the '@' of one is no end of a password.
  if (is_postgres_url(place)) {
    for (const auto name : kPostgresSecrets) hide_parameter(url, name);
    hide_password(url, scheme_of(place, kPostgres).size(), true);
  } else if (is_qdrant_url(place)) {
    for (const auto name : kQdrantSecrets) hide_parameter(url, name);
    hide_password(url, scheme_of(place, kQdrant).size(), false);
  }
  return url;
}

}  // namespace vecmill
