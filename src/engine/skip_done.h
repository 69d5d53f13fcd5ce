#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vecmill/record.h"
#include "vecmill/result.h"
#include "vecmill/source.h"

namespace vecmill::engine {

/// A source without the records that the output has already. They are asked for many at a time.
class SkipDone : public Source {
 public:
  using FindDone = std::function<Result<std::vector<bool>>(std::span<const Record>)>;

  SkipDone(std::unique_ptr<Source> inner, FindDone find_done);

  Result<std::vector<Record>> next(std::size_t count) override;
  [[nodiscard]] std::optional<std::uint64_t> total() const override { return inner_->total(); }
  [[nodiscard]] std::string position() const override;
  Status seek(const std::string& position) override;

  /// How many were left out so far; from any thread.
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  Status read_page();

  std::unique_ptr<Source> inner_;
  FindDone find_done_;
  std::string page_start_;  ///< position of `inner_` in front of the page
  std::vector<Record> page_;
  std::vector<bool> done_;  ///< of the page
  std::size_t at_ = 0;      ///< in the page
  std::atomic<std::uint64_t> skipped_ = 0;
};

}  // namespace vecmill::engine
