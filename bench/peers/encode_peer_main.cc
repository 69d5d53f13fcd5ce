// Our side of the comparison: encode_peer MODEL_FOLDER f32|bf16|int8 answers, a line of JSON each,
// what worker.py describes, and {"peak": true} with the multiplication limits of the machine.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "vecmill/encode/encoder.h"
#include "vecmill/encode/multiply_peak.h"
#include "vecmill/encode/team.h"
#include "vecmill/engine/packed_models.h"

namespace vecmill::bench {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << result.error().to_string() << '\n';
  std::exit(1);
}

void must(const Status& status) {
  if (status) return;
  std::cerr << status.error().to_string() << '\n';
  std::exit(1);
}

/// Token ids of many texts, and the order in which they are best encoded: longest first.
struct TextSet {
  std::vector<std::vector<TokenId>> texts;
  std::vector<std::size_t> order;
};

TextSet read_set(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto next = [&file] {
    std::int32_t value = 0;
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  };
  TextSet set;
  set.texts.resize(static_cast<std::size_t>(next()));
  for (auto& text : set.texts) text.resize(static_cast<std::size_t>(next()));
  for (auto& text : set.texts) std::generate(text.begin(), text.end(), next);
  set.order.resize(set.texts.size());
  std::iota(set.order.begin(), set.order.end(), 0);
  std::ranges::stable_sort(set.order, std::greater<>{},
                           [&set](std::size_t i) { return set.texts[i].size(); });
  return set;
}

class Peer {
 public:
  Peer(std::shared_ptr<const encode::Encoder> encoder, unsigned cores)
      : encoder_(std::move(encoder)), cores_(cores), team_(cores) {
    for (unsigned i = 0; i < cores; ++i) workspaces_.push_back(encoder_->make_workspace());
  }

  json answer(const json& request) {
    if (request.contains("peak")) {
      const encode::Kernels& kernels = encode::kernels(must(encode::choose_isa()));
      return {{"f32", encode::multiply_peak(kernels.multiply_adds, cores_)},
              {"bf16", encode::multiply_peak(kernels.pair_multiply_adds, cores_)},
              {"int8", encode::multiply_peak(kernels.byte_multiply_adds, cores_)},
              {"isa", encoder_->isa()}};
    }
    if (request.contains("load")) {
      sets_[request["load"]] = read_set(request["path"]);
      return json::object();
    }
    const bool save = request.contains("save");
    const TextSet& set = sets_.at(request.at(save ? "save" : "run"));
    std::vector<float> out(set.texts.size() * encoder_->dims());
    std::vector<double> taken;
    for (int round = 0; round < request.value("repeat", 1); ++round) {
      const auto start = Clock::now();
      encode_all(set, request.at("batch"), out);
      taken.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
    if (save) {
      std::ofstream(request["path"].get<std::string>(), std::ios::binary)
          .write(reinterpret_cast<const char*>(out.data()),
                 static_cast<std::streamsize>(out.size() * sizeof(float)));
    }
    std::ranges::nth_element(taken, taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2));
    return {{"seconds", taken[taken.size() / 2]}};
  }

 private:
  void encode_all(const TextSet& set, std::size_t batch, std::vector<float>& out) {
    if (set.texts.size() == 1) {
      must(encoder_->encode_one({set.texts[0]}, team_, *workspaces_[0], out.data()));
      return;
    }
    std::atomic<std::size_t> next = 0;
    const auto stream = [&](encode::EncoderWorkspace& workspace) {
      std::vector<encode::Sequence> sequences;
      std::vector<float> vectors;
      for (std::size_t start; (start = next.fetch_add(batch)) < set.order.size();) {
        const auto rows =
            std::span(set.order).subspan(start, std::min(batch, set.order.size() - start));
        sequences.clear();
        for (const std::size_t row : rows) sequences.push_back({set.texts[row]});
        vectors.resize(rows.size() * encoder_->dims());
        must(encoder_->encode(sequences, workspace, vectors.data()));
        for (std::size_t i = 0; i < rows.size(); ++i) {
          std::copy_n(vectors.begin() + static_cast<std::ptrdiff_t>(i * encoder_->dims()),
                      encoder_->dims(),
                      out.begin() + static_cast<std::ptrdiff_t>(rows[i] * encoder_->dims()));
        }
      }
    };
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < cores_; ++i) {
      threads.emplace_back([&, i] { stream(*workspaces_[i]); });
    }
    stream(*workspaces_[0]);
  }

  std::shared_ptr<const encode::Encoder> encoder_;
  unsigned cores_;
  encode::Team team_;
  std::vector<std::unique_ptr<encode::EncoderWorkspace>> workspaces_;
  std::map<std::string, TextSet> sets_;
};

int run(const std::filesystem::path& model, const std::string& dtype) {
  const auto format = must(engine::parse_dtype(dtype)).value_or(engine::Dtype::kF32);
  const auto packed = must(engine::packed_file_of(model, format));
  Peer peer(must(encode::Encoder::open(packed)), std::max(1U, std::thread::hardware_concurrency()));
  std::cout << json{{"ready", "ours"}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << peer.answer(json::parse(line)) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace vecmill::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: encode_peer MODEL_FOLDER f32|bf16|int8\n";
    return 2;
  }
  return vecmill::bench::run(argv[1], argv[2]);
}
