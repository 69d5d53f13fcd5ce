#include "vecmill/sink/stored_arithmetic.h"

#include <filesystem>

#include "vecmill/base/database.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/sink/checkpoint.h"
#include "vecmill/sink/scan.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

/// How far an unfinished run has come.
Result<Checkpoint> checkpoint_of(const std::string& out) {
  if (!out.ends_with(".db")) {
    const std::string path = out + ".checkpoint";
    VECMILL_ASSIGN(const std::string text, read_file(path));
    return parse_checkpoint(text, path);
  }
  const std::string path = out + ".partial";
  if (!fs::exists(path)) return make_error(ErrorKind::kNotFound, "there is no such file", path);
  VECMILL_ASSIGN(const Database database, Database::open(path, true));
  VECMILL_ASSIGN(auto load, Statement::prepare(database, "SELECT checkpoint FROM progress"));
  VECMILL_TRY(load.step());
  return parse_checkpoint(std::string(load.text(0)), path);
}

}  // namespace

std::optional<std::string> stored_arithmetic(const std::string& out) {
  if (const auto unfinished = checkpoint_of(out)) return unfinished->identity.info.arithmetic;
  if (const auto finished = read_description(out)) return finished->identity.info.arithmetic;
  return std::nullopt;
}

}  // namespace vecmill::sink
