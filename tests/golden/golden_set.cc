#include "golden_set.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "vecmill_source_dir.h"

namespace vecmill::golden {
namespace {
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(VECMILL_SOURCE_DIR) / "tests" / "golden";

template <class T>
std::vector<T> read_array(const fs::path& path) {
  std::vector<T> values(fs::file_size(path) / sizeof(T));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return values;
}

std::size_t number_in(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

/// Of a large set each n-th, for n = VECMILL_TEST_EVERY, from where the seed says.
std::vector<Example> sampled(std::vector<Example> all) {
  const std::size_t every = number_in("VECMILL_TEST_EVERY", 1);
  if (every <= 1 || all.size() < 200) return all;
  std::vector<Example> some;
  for (std::size_t i = number_in("VECMILL_TEST_SEED", 1) % every; i < all.size(); i += every) {
    some.push_back(std::move(all[i]));
  }
  return some;
}

}  // namespace

std::vector<Example> read_set(const std::string& name) {
  std::vector<Example> examples;
  std::vector<std::size_t> tokens;
  std::ifstream lines(kGolden / (name + ".jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    Example example;
    example.text = json.at("text");
    example.prompt = json.at("prompt");
    example.prompt_tokens = json.at("prompt_tokens");
    tokens.push_back(json.at("tokens"));
    examples.push_back(std::move(example));
  }
  const auto ids = read_array<std::uint16_t>(kGolden / (name + ".ids"));
  const auto vectors = read_array<float>(kGolden / (name + ".f32"));
  if (examples.empty() || vectors.size() % examples.size() != 0) {
    throw std::runtime_error("the golden set " + name + " does not fit together");
  }
  const std::size_t dims = vectors.size() / examples.size();
  auto id = ids.begin();
  auto vector = vectors.begin();
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (std::distance(id, ids.end()) < static_cast<std::ptrdiff_t>(tokens[i])) {
      throw std::runtime_error("the golden set " + name + " has too few ids");
    }
    examples[i].ids.assign(id, id + static_cast<std::ptrdiff_t>(tokens[i]));
    id += static_cast<std::ptrdiff_t>(tokens[i]);
    examples[i].vector.assign(vector, vector + static_cast<std::ptrdiff_t>(dims));
    vector += static_cast<std::ptrdiff_t>(dims);
  }
  return sampled(std::move(examples));
}

std::vector<std::map<TokenId, double>> read_sparse(const std::string& name) {
  std::vector<std::map<TokenId, double>> all;
  std::ifstream lines(kGolden / (name + ".sparse.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    std::map<TokenId, double>& weights = all.emplace_back();
    const auto json = nlohmann::json::parse(line);
    for (const auto& [token, weight] : json.items()) {
      weights.emplace(std::stoi(token), weight.get<double>());
    }
  }
  return all;
}

std::vector<float> read_multivectors(const std::string& name) {
  return read_array<float>(kGolden / (name + ".multivector.f32"));
}

fs::path model_folder(const std::string& name) {
  if (fs::exists(kGolden / "models" / name)) return kGolden / "models" / name;
  if (const char* real = std::getenv("VECMILL_TEST_MODEL")) return real;
  return fs::path(VECMILL_SOURCE_DIR) / ".cache" / "models" / name;
}

Distance distance(const std::vector<float>& a, const std::vector<float>& b) {
  Distance result;
  double product = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    result.largest = std::max(result.largest, std::abs(x - y));
    product += x * y;
    squares_a += x * x;
    squares_b += y * y;
  }
  const bool both_empty = squares_a == 0 && squares_b == 0;  // no token that a static model knows
  result.cosine = both_empty ? 1 : product / std::sqrt(squares_a * squares_b);
  return result;
}

}  // namespace vecmill::golden
