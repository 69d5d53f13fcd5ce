// remote_embed MODEL ROLE DIMS: one text per line as a JSON string in, {"vector": [..], "tokens":
// n} or {"error": kind, "message": ..} per line out. For the tests of this folder.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "vecmill/base/json_text.h"
#include "vecmill/remote/open_remote.h"

namespace {

using vecmill::Embedding;
using vecmill::Result;

std::string line_of(const Result<Embedding>& result) {
  std::string line = "{";
  if (!result) {
    line += R"("error":)";
    vecmill::append_json_string(line, vecmill::name(result.error().kind));
    line += R"(,"message":)";
    vecmill::append_json_string(line, result.error().to_string());
    return line + "}";
  }
  line += R"("tokens":)" + std::to_string(result->tokens) + R"(,"vector":[)";
  for (std::size_t i = 0; i < result->vector.size(); ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.9g", i == 0 ? "" : ",",
                  static_cast<double>(result->vector[i]));
    line += number;
  }
  return line + "]}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  const auto space = [](const vecmill::remote::RemoteModel& model, std::string_view role,
                        vecmill::Truncate) { return model.name + std::string(role); };
  vecmill::remote::RemoteOptions wanted;
  wanted.name = argv[1];
  wanted.dims = static_cast<std::uint32_t>(std::atoi(argv[3]));
  if (const std::string often = environment("ASK_AGAIN_MS"); !often.empty()) {
    wanted.ask_again = std::chrono::milliseconds(std::stoi(often));
  }
  const auto provider = vecmill::remote::open_remote(wanted, environment, space);
  if (!provider) {
    std::cerr << vecmill::name(provider.error().kind) << ": " << provider.error().to_string()
              << '\n';
    return 1;
  }
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) {
    texts.push_back(vecmill::json_string(line).value_or(""));
  }
  const std::string role = argv[2];
  vecmill::EmbedOptions options;
  if (role != "document") {
    options.role = role == "query" ? vecmill::Role::kQuery : vecmill::Role::kNone;
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const auto& result : (*provider)->embed(views, options))
    std::cout << line_of(result) << '\n';
  return 0;
}
