#include <string>

#include "vecmill/cli/command.h"
#include "vecmill/cli/interrupt.h"
#include "vecmill/cli/model_settings.h"
#include "vecmill/cli/output.h"
#include "vecmill/measure.h"

namespace vecmill::cli {
namespace {

constexpr double kMilli = 1e3, kGiga = 1e9, kPercent = 100;

/// `text` with spaces before it, in a column of 12.
std::string cell(const std::string& text) {
  constexpr std::size_t kWidth = 12;
  return std::string(text.size() < kWidth ? kWidth - text.size() : 1, ' ') + text;
}

std::string percent(double share) { return share > 0 ? fixed(share * kPercent, 0) + " %" : "-"; }

std::string batch_name(std::uint32_t batch_size) {
  return batch_size == 0 ? "by tokens" : std::to_string(batch_size);
}

std::string setting(const Measurement& found) {
  if (found.best_batch_size == 0) return "nothing: the defaults are the fastest here";
  return "--batch-size " + std::to_string(found.best_batch_size);
}

Status print_table(const Measurement& found) {
  VECMILL_TRY(print("model     " + found.space.model + ", " + found.space.arithmetic + ", " +
                    std::to_string(found.space.dims) + " dimensions"));
  VECMILL_TRY(print("machine   " + found.isa + ", " + std::to_string(found.threads) + " threads" +
                    (found.limit > 0 ? ", limit of multiplications in " + found.limit_dtype + " " +
                                           fixed(found.limit / kGiga, 0) + " Gop/s"
                                     : "")));
  VECMILL_TRY(print("\none text at a time"));
  VECMILL_TRY(print(cell("tokens") + cell("median, ms") + cell("95 %, ms") + cell("of limit")));
  for (const Latency& row : found.latencies) {
    VECMILL_TRY(print(cell(std::to_string(row.tokens)) + cell(fixed(row.median * kMilli, 2)) +
                      cell(fixed(row.p95 * kMilli, 2)) + cell(percent(row.share_of_limit))));
  }
  VECMILL_TRY(
      print("\ntexts of mixed length, " + fixed(found.mean_tokens, 0) + " tokens on average"));
  VECMILL_TRY(print(cell("batch") + cell("tokens/s") + cell("texts/s") + cell("spread") +
                    cell("of limit")));
  for (const Throughput& row : found.throughputs) {
    VECMILL_TRY(print(cell(batch_name(row.batch_size)) + cell(fixed(row.tokens_per_second, 0)) +
                      cell(fixed(row.texts_per_second, 1)) + cell(percent(row.spread)) +
                      cell(percent(row.share_of_limit))));
  }
  VECMILL_TRY(print("\nmemory    " + readable_bytes(found.peak_rss_bytes) + " at the peak"));
  return print("set       " + setting(found));
}

std::string table_json(const Measurement& found) {
  JsonObject object;
  object.text("schema", "vecmill.bench.v1").text("model", found.space.model);
  object.text("arithmetic", found.space.arithmetic).count("dims", found.space.dims);
  object.text("isa", found.isa).count("threads", found.threads).number("limit", found.limit);
  object.text("limit_dtype", found.limit_dtype);
  object.raw("latency", json_array(found.latencies, [](const Latency& row) {
               JsonObject line;
               line.count("tokens", row.tokens).number("median_seconds", row.median);
               return line.number("p95_seconds", row.p95)
                   .number("share_of_limit", row.share_of_limit)
                   .line();
             }));
  object.number("mean_tokens", found.mean_tokens);
  object.raw("throughput", json_array(found.throughputs, [](const Throughput& row) {
               JsonObject line;
               line.count("batch_size", row.batch_size);
               line.number("tokens_per_second", row.tokens_per_second);
               line.number("texts_per_second", row.texts_per_second).number("spread", row.spread);
               return line.number("share_of_limit", row.share_of_limit).line();
             }));
  object.count("peak_rss_bytes", found.peak_rss_bytes);
  return object.count("best_batch_size", found.best_batch_size).line();
}

}  // namespace

Result<ExitCode> run_bench(const Invocation& invocation) {
  if (!invocation.arguments.empty()) {
    return make_error(ErrorKind::kInvalidArgument, "bench takes no files; its texts are made up",
                      invocation.arguments[0], "name the model with --model");
  }
  const Interrupt interrupt;
  const auto found = measure(model_options(invocation.settings), interrupt.stop());
  if (!found && found.error().kind == ErrorKind::kCancelled) return interrupt.exit_code();
  if (!found) return found.error();
  if (invocation.settings.on("json")) {
    VECMILL_TRY(print(table_json(*found)));
  } else {
    VECMILL_TRY(print_table(*found));
  }
  return kExitOk;
}

}  // namespace vecmill::cli
