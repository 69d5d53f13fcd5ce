#include "vecmill/engine/open_source.h"

#include "vecmill/engine/open_ends.h"
#include "vecmill/source/source_factory.h"

namespace vecmill::engine {

Result<std::unique_ptr<Source>> open_source(const EmbedJob& job) {
  VECMILL_ASSIGN(auto on_server, open_on_server(job));
  if (on_server) return on_server;
  source::SourceOptions options;
  options.id_field = job.id_field;
  options.text_field = job.text_field;
  options.whole_file = job.whole_file;
  options.format = job.format;
  return source::open(job.inputs, options);
}

}  // namespace vecmill::engine
