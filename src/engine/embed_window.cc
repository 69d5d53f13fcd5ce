#include "vecmill/engine/embed_window.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "vecmill/base/hash.h"

namespace vecmill::engine {
namespace {

/// About a thousand tokens: more makes no product faster, less leaves cores without work.
constexpr std::size_t kBatchBytes = 6 << 10;
constexpr std::size_t kBatchTexts = 128;

using Indices = std::vector<std::size_t>;

/// Cuts `order` into batches by bytes of text, or by count when the user gave one.
std::vector<std::span<const std::size_t>> plan(const Indices& order,
                                               std::span<const Record> records,
                                               std::uint32_t batch_size) {
  const std::size_t most_texts = batch_size > 0 ? batch_size : kBatchTexts;
  std::vector<std::span<const std::size_t>> batches;
  std::size_t first = 0;
  while (first < order.size()) {
    std::size_t last = first, bytes = 0;
    while (last < order.size() && last - first < most_texts &&
           (last == first || batch_size > 0 || bytes < kBatchBytes)) {
      bytes += records[order[last]].text.size() + 8;
      ++last;
    }
    batches.emplace_back(order.data() + first, last - first);
    first = last;
  }
  return batches;
}

/// Errors that another run of the same text may not have.
bool is_fatal(ErrorKind kind) {
  return kind == ErrorKind::kAuth || kind == ErrorKind::kLimited ||
         kind == ErrorKind::kUnavailable || kind == ErrorKind::kInvalidArgument ||
         kind == ErrorKind::kIo || kind == ErrorKind::kCancelled;
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
  row.sparse = std::move(result->sparse);
  row.multivector = std::move(result->multivector);
  row.truncated_tokens = result->truncated_tokens;
  row.degraded = std::move(result->degraded);
  done.tokens += result->tokens;
  ++done.embedded;
  if (result->origin == VectorOrigin::kCache) ++done.cached;
  if (result->origin == VectorOrigin::kShared) ++done.shared;
  return row;
}

}  // namespace

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r\v\f") == std::string_view::npos;
}

std::vector<Result<Embedding>> embed_records(std::span<const Record> records, const EmbedJob& job,
                                             Provider& provider, WorkerPool& pool) {
  if (provider.capabilities(job.options).remote) {
    std::vector<std::string_view> texts;
    for (const Record& record : records) texts.emplace_back(record.text);
    return provider.embed(texts, job.options);
  }
  Indices order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return records[a].text.size() > records[b].text.size();
  });
  const auto batches = plan(order, records, job.batch_size);
  std::vector<std::vector<Result<Embedding>>> done(batches.size());
  pool.run(batches.size(), [&](std::size_t b) {
    std::vector<std::string_view> texts;
    for (const std::size_t i : batches[b]) texts.emplace_back(records[i].text);
    done[b] = provider.embed(texts, job.options);
  });
  std::vector<Result<Embedding>> results(records.size(), Embedding{});
  for (std::size_t b = 0; b < batches.size(); ++b) {
    for (std::size_t j = 0; j < batches[b].size(); ++j) {
      results[batches[b][j]] = std::move(done[b][j]);
    }
  }
  return results;
}

EmbeddedWindow embed_window(Window window, const EmbedJob& job, Provider& provider,
                            WorkerPool& pool) {
  EmbeddedWindow done;
  done.position = std::move(window.position);
  done.bytes = window.bytes;
  std::vector<bool> blank;  // [records], those that are left out as well
  for (const Record& record : window.records) blank.push_back(is_blank(record.text));
  const bool skips = job.empty == Empty::kSkip;
  if (skips) std::erase_if(window.records, [](const Record& r) { return is_blank(r.text); });
  auto results = embed_records(window.records, job, provider, pool);
  std::vector<std::string> hashes(window.records.size());
  if (window.hash_texts) {
    pool.run(hashes.size(), [&](std::size_t i) { hashes[i] = sha256_hex(window.records[i].text); });
  }
  std::size_t next = 0;  // of those that are not left out
  for (; done.records < blank.size(); ++done.records) {
    if (blank[done.records] && skips) {
      ++done.skipped;
      ++done.empty;
      continue;
    }
    Result<Embedding> result = std::move(results[next]);
    if (blank[done.records] && job.empty == Empty::kFail) {
      result = make_error(ErrorKind::kInvalidData, "the text is empty");
    }
    if (!result && is_fatal(result.error().kind)) {
      done.fatal = std::move(result).error();
      return done;
    }
    if (blank[done.records]) ++done.empty;
    done.rows.push_back(make_row(window.records[next], std::move(result), done));
    done.rows.back().text_hash = std::move(hashes[next++]);
  }
  return done;
}

}  // namespace vecmill::engine
