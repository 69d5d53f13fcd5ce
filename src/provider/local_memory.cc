#include "vecmill/provider/local_memory.h"

#include <algorithm>
#include <chrono>

#include "vecmill/base/resources.h"

namespace vecmill::provider {
namespace {

std::string megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
}

}  // namespace

Result<std::uint64_t> room_beside(const encode::Encoder& encoder, const std::string& name,
                                  std::uint64_t max_memory) {
  constexpr std::uint64_t kProgram = 64 << 20;  // tokenizer, texts and rows on their way
  constexpr std::size_t kTokens = 512;
  const std::uint64_t usable = usable_memory().most;
  const std::uint64_t most = max_memory > 0 ? std::min(max_memory, usable) : usable;
  const std::uint64_t layers = encoder.layer_bytes();
  const std::size_t tokens = std::min<std::size_t>(kTokens, encoder.description().max_tokens);
  const std::uint64_t work = encoder.work_bytes(tokens, tokens, 1);
  if (most >= layers + kProgram + work) return most - layers - kProgram;
  const std::uint64_t in_bytes = layers / 4 + layers / 20;  // 2 % of the inputs stay in f32
  const bool helps = encoder.arithmetic().starts_with("f32") && most >= in_bytes + kProgram + work;
  return make_error(
      ErrorKind::kInvalidArgument,
      name + " takes " + megabytes(layers) + " for its layers and " + megabytes(kProgram + work) +
          " to work, and this process may use " + megabytes(most),
      max_memory > 0 && max_memory <= usable ? "--max-memory" : "memory",
      helps ? "allow it more, or say --dtype int8: its layers take about " + megabytes(in_bytes)
            : "allow it more, or take a smaller model");
}

Error too_large(std::size_t tokens, std::uint64_t bytes, std::uint64_t room) {
  return make_error(ErrorKind::kTooLong,
                    "a text of " + std::to_string(tokens) + " tokens takes " + megabytes(bytes) +
                        " to encode, and there are " + megabytes(room) + " for it beside the model",
                    {}, "give it more memory (--max-memory), or say --max-seq-length");
}

std::function<std::uint64_t()> free_memory() {
  return [until = std::chrono::steady_clock::time_point(), bytes = std::uint64_t{0}]() mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) {
      bytes = usable_memory().free;
      until = now + std::chrono::milliseconds(100);
    }
    return bytes;
  };
}

std::unique_ptr<encode::EncoderWorkspace> Workspaces::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return encoder_->make_workspace();
  auto workspace = std::move(idle_.back());
  idle_.pop_back();
  return workspace;
}

void Workspaces::give_back(std::unique_ptr<encode::EncoderWorkspace> workspace,
                           std::uint64_t bytes) {
  if (bytes > most_) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(workspace));
}

}  // namespace vecmill::provider
