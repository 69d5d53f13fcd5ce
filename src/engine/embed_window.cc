#include "vecmill/engine/embed_window.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

namespace vecmill::engine {
namespace {

/// About a thousand tokens: more makes no product faster, less leaves cores without work.
constexpr std::size_t kBatchBytes = 6 << 10;
constexpr std::size_t kBatchTexts = 128;

using Indices = std::vector<std::size_t>;

/// Cuts `order` into batches by bytes of text, or by count when the user gave one.
std::vector<std::span<const std::size_t>> plan(const Indices& order, const Window& window,
                                               std::uint32_t batch_size) {
  const std::size_t most_texts = batch_size > 0 ? batch_size : kBatchTexts;
  std::vector<std::span<const std::size_t>> batches;
  std::size_t first = 0;
  while (first < order.size()) {
    std::size_t last = first, bytes = 0;
    while (last < order.size() && last - first < most_texts &&
           (last == first || batch_size > 0 || bytes < kBatchBytes)) {
      bytes += window.records[order[last]].text.size() + 8;
      ++last;
    }
    batches.emplace_back(order.data() + first, last - first);
    first = last;
  }
  return batches;
}

OutputRow make_row(Record& record, Result<Embedding> result, EmbeddedWindow& done) {
  OutputRow row;
  row.id = std::move(record.id);
  row.metadata = std::move(record.metadata);
  if (!result) {
    row.error = std::move(result).error();
    ++done.failed;
    return row;
  }
  row.vector = std::move(result->vector);
  row.truncated_tokens = result->truncated_tokens;
  done.tokens += result->tokens;
  ++done.embedded;
  return row;
}

}  // namespace

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r\v\f") == std::string_view::npos;
}

EmbeddedWindow embed_window(Window window, const EmbedJob& job, Provider& provider,
                            WorkerPool& pool) {
  EmbeddedWindow done;
  done.position = std::move(window.position);
  done.bytes = window.bytes;
  std::vector<std::optional<Result<Embedding>>> results(window.records.size());
  Indices order;
  for (std::size_t i = 0; i < window.records.size(); ++i) {
    const bool blank = is_blank(window.records[i].text);
    if (blank) ++done.empty;
    if (blank && job.empty == Empty::kSkip) {
      ++done.skipped;
    } else if (blank && job.empty == Empty::kFail) {
      results[i] = make_error(ErrorKind::kInvalidData, "the text is empty");
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return window.records[a].text.size() > window.records[b].text.size();
  });
  const auto batches = plan(order, window, job.batch_size);
  pool.run(batches.size(), [&](std::size_t b) {
    std::vector<std::string_view> texts;
    for (const std::size_t i : batches[b]) texts.emplace_back(window.records[i].text);
    auto embedded = provider.embed(texts, job.options);
    for (std::size_t j = 0; j < texts.size(); ++j) results[batches[b][j]] = std::move(embedded[j]);
  });
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) {
      done.rows.push_back(make_row(window.records[i], std::move(*results[i]), done));
    }
  }
  return done;
}

}  // namespace vecmill::engine
