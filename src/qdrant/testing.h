#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "vecmill/http/loopback_server.h"

namespace vecmill::qdrant {

/// For tests: one collection, `notes`, kept in memory behind the few requests that we send. It
/// believes all that it is told; tests/qdrant has a better server.
class TestingServer {
 public:
  using Json = nlohmann::json;
  using Request = http::LoopbackServer::Request;

  explicit TestingServer(std::string version = "1.19.0")
      : version_(std::move(version)), server_([this](const Request& request) {
          if (before) {
            if (auto reply = before(request)) return *reply;
          }
          return answer(request);
        }) {}

  [[nodiscard]] std::string url(const std::string& parameters = {}) const {
    return "qdrant" + server_.url().substr(4) + "/notes" + parameters;
  }
  [[nodiscard]] std::vector<Request> requests() const { return server_.requests(); }

  static std::string good(const Json& result) {
    return http::LoopbackServer::reply(200, Json{{"status", "ok"}, {"result", result}}.dump());
  }
  static bool is_write(const Request& request) {
    return request.method == "PUT" && request.target.find("/points") != std::string::npos;
  }

  std::function<std::optional<std::string>(const Request&)> before;  ///< the reply instead
  std::optional<Json> collection;                                    ///< as it was made
  Json metadata = Json::object();
  Json threshold = 10'000;
  std::map<std::string, Json> points;  ///< by id as JSON, in the order of texts

 private:
  static std::string bad(int status, const std::string& message) {
    return http::LoopbackServer::reply(status, Json{{"status", {{"error", message}}}}.dump());
  }

  std::string answer(const Request& request) {
    if (request.target == "/") {
      return http::LoopbackServer::reply(200, Json{{"version", version_}}.dump());
    }
    const Json body = request.body.empty() ? Json() : Json::parse(request.body);
    const std::string below = request.target.substr(std::string("/collections/notes").size());
    if (request.method == "PUT" && below.empty()) {
      collection = body;
      if (body.contains("metadata")) metadata = body["metadata"];
      return good(true);
    }
    if (!collection) return bad(404, "Collection `notes` doesn't exist!");
    if (below.empty()) return request.method == "PATCH" ? change(body) : describe();
    if (below == "/points?wait=true") return write(body);
    if (below == "/points") return retrieve(body);
    if (below == "/points/delete?wait=true") return remove(body);
    if (below == "/points/count") return good({{"count", points.size()}});
    return scroll(body);
  }

  std::string change(const Json& body) {
    if (body.contains("metadata")) {
      metadata.update(body["metadata"]);
      for (auto it = metadata.begin(); it != metadata.end();) {
        it = it->is_null() ? metadata.erase(it) : std::next(it);
      }
    }
    if (body.contains("optimizers_config")) {
      threshold = body["optimizers_config"]["indexing_threshold"];
    }
    return good(true);
  }

  [[nodiscard]] std::string describe() const {
    return good({{"config",
                  {{"params", *collection},
                   {"optimizer_config", {{"indexing_threshold", threshold}}},
                   {"metadata", metadata}}}});
  }

  std::string write(const Json& body) {
    for (const Json& point : body["points"]) points[point["id"].dump()] = point;
    return good({{"operation_id", 1}, {"status", "completed"}});
  }

  /// By a filter as we send it: ids, and hashes of texts.
  std::string remove(const Json& body) {
    const Json& must = body["filter"]["must"];
    for (const Json& id : must[0]["has_id"]) {
      const auto found = points.find(id.dump());
      if (found == points.end()) continue;
      const Json hash = found->second["payload"]["_vecmill"]["text_hash"];
      for (const Json& wanted : must[1]["match"]["any"]) {
        if (hash != wanted) continue;
        points.erase(found);
        break;
      }
    }
    return good({{"operation_id", 1}, {"status", "completed"}});
  }

  [[nodiscard]] std::string retrieve(const Json& body) const {
    Json found = Json::array();
    for (const Json& id : body["ids"]) {
      if (points.contains(id.dump())) found.push_back(points.at(id.dump()));
    }
    return good(found);
  }

  [[nodiscard]] std::string scroll(const Json& body) const {
    Json found = Json::array(), next;
    const std::string from = body.contains("offset") ? body["offset"].dump() : "";
    for (const auto& [id, point] : points) {
      if (id < from) continue;
      if (found.size() == body["limit"].get<std::size_t>()) {
        next = point["id"];
        break;
      }
      found.push_back(point);
    }
    return good({{"points", found}, {"next_page_offset", next}});
  }

  std::string version_;
  http::LoopbackServer server_;
};

}  // namespace vecmill::qdrant
