#include "vecmill/engine/run_report.h"

#include <nlohmann/json.hpp>

#include "vecmill/base/file_system.h"
#include "vecmill/sink/output_paths.h"

namespace vecmill::engine {

Status write_report(const std::string& out, const EmbedReport& report) {
  if (out.empty() || is_on_server(out)) return {};  // nothing stands beside it
  auto makers = nlohmann::ordered_json::array();
  for (const auto& [model, texts] : report.fallback.makers) {
    makers.push_back({{"model", model}, {"texts", texts}});
  }
  const nlohmann::ordered_json json = {
      {"schema", "vecmill.embed.v1"},
      {"model", report.space.model},
      {"space", report.space.space},
      {"arithmetic", report.space.arithmetic},
      {"dims", report.space.dims},
      {"embedded", report.embedded},
      {"failed", report.failed},
      {"skipped", report.skipped},
      {"empty", report.empty},
      {"resumed", report.resumed},
      {"tokens", report.tokens},
      {"truncated_texts", report.truncated_texts},
      {"truncated_tokens", report.truncated_tokens},
      {"truncated_ids", report.truncated_ids},
      {"seconds", report.seconds},
      {"load_seconds", report.load_seconds},
      {"peak_rss_bytes", report.peak_rss_bytes},
      {"cache",
       {{"used", report.cache.used},
        {"hits", report.cache.hits},
        {"misses", report.cache.misses},
        {"duplicates", report.cache.duplicates},
        {"failures", report.cache.failures},
        {"failure", report.cache.failure},
        {"set_aside", report.cache.set_aside}}},
      {"spend",
       {{"used", report.spend.used},
        {"requests", report.spend.requests},
        {"tokens", report.spend.tokens},
        {"cost_usd", report.spend.cost},
        {"held_usd", report.spend.held},
        {"estimated_usd", report.spend.estimated},
        {"alerts", report.spend.alerts}}},
      {"fallback",
       {{"makers", makers},
        {"degraded", report.fallback.degraded},
        {"notes", report.fallback.notes}}},
      {"shared",
       {{"used", report.shared.used},
        {"admitted", report.shared.admitted},
        {"alone", report.shared.alone},
        {"processes", report.shared.processes},
        {"failure", report.shared.failure}}},
  };
  const std::string text =
      json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return atomic_write(real_files(), sink::output_paths(out).report, text);
}

}  // namespace vecmill::engine
