#include "vecmill/engine/open_source.h"

#include "vecmill/engine/open_ends.h"
#include "vecmill/source/source_factory.h"

namespace vecmill::engine {

Result<std::unique_ptr<Source>> open_source(const EmbedJob& job) {
  VECMILL_ASSIGN(auto table, open_table(job));
  if (table) return table;
  source::SourceOptions options;
  options.id_field = job.id_field;
  options.text_field = job.text_field;
  options.whole_file = job.whole_file;
  options.format = job.format;
  return source::open(job.inputs, options);
}

}  // namespace vecmill::engine
