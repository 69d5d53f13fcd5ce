#include "vecmill/sink/sink_factory.h"

#include <filesystem>

#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/file_sink.h"
#include "vecmill/sink/sqlite_sink.h"

namespace vecmill::sink {

Result<Opened> open(const std::string& out, const SpaceInfo& info, const SinkOptions& options) {
  const std::filesystem::path path(out);
  const Identity identity{info, options.store == Store::kF16 ? "f16" : "f32"};
  const std::string extension = path.extension().string();
  if (extension == ".npy" && !info.outputs.only_dense()) {
    return make_error(ErrorKind::kInvalidArgument,
                      "a .npy holds dense vectors only, " + name(info.outputs) + " was asked for",
                      out, "choose .jsonl or .db");
  }
  if (extension == ".db") return open_sqlite_sink(path, identity, options);
  if (extension == ".npy" || extension == ".jsonl") return open_file_sink(path, identity, options);
  return make_error(ErrorKind::kInvalidArgument, "the extension is not one of an output", out,
                    "supported are .npy, .jsonl and .db");
}

}  // namespace vecmill::sink
