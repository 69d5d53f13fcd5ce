#include "vecmill/engine/open_source.h"

#include <utility>

#include "vecmill/source/source_factory.h"

namespace vecmill::engine {

Result<Input> open_input(const EmbedJob& job) {
  VECMILL_ASSIGN(Input input, open_on_server(job));
  if (input.source) return input;
  source::SourceOptions options;
  options.id_field = job.id_field;
  options.text_field = job.text_field;
  options.whole_file = job.whole_file;
  options.format = job.format;
  VECMILL_ASSIGN(input.source, source::open(job.inputs, options));
  return input;
}

Result<std::unique_ptr<Source>> open_source(const EmbedJob& job) {
  VECMILL_ASSIGN(Input input, open_input(job));
  return std::move(input.source);
}

}  // namespace vecmill::engine
