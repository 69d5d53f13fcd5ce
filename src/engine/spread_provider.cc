#include "vecmill/engine/spread_provider.h"

#include <mutex>
#include <utility>

#include "vecmill/engine/embed_window.h"
#include "vecmill/engine/worker_pool.h"

namespace vecmill::engine {
namespace {

class SpreadProvider final : public Provider {
 public:
  SpreadProvider(std::unique_ptr<Provider> local, std::uint32_t threads)
      : local_(std::move(local)), pool_(threads) {}

  [[nodiscard]] Capabilities capabilities(const EmbedOptions& options) const override {
    return local_->capabilities(options);
  }
  Result<std::uint32_t> count_tokens(std::string_view text, Role role) const override {
    return local_->count_tokens(text, role);
  }

  std::vector<Result<Embedding>> embed(std::span<const std::string_view> texts,
                                       const EmbedOptions& options) override {
    std::vector<Record> records;
    for (const std::string_view text : texts) records.push_back({{}, std::string(text), {}});
    EmbedJob job;
    job.options = options;
    const std::lock_guard guard(mutex_);  // the pool does one thing at a time
    return embed_records(records, job, *local_, pool_);
  }

 private:
  const std::unique_ptr<Provider> local_;
  WorkerPool pool_;
  std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Provider> spread_over(std::unique_ptr<Provider> local, std::uint32_t threads) {
  return std::make_unique<SpreadProvider>(std::move(local), threads);
}

}  // namespace vecmill::engine
