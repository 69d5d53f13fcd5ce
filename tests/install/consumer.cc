// A program over the installed library: opens the built-in model, embeds two texts, and lists the
// models of this machine. Every public header must compile here.
#include <vecmill/engine.h>
#include <vecmill/machine.h>
#include <vecmill/models.h>
#include <vecmill/sink.h>
#include <vecmill/source.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace {

int fail(const vecmill::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.to_string().c_str());
  return 1;
}

}  // namespace

int main() {
  vecmill::ModelOptions options;
  options.model = "builtin:hash";
  const auto engine = vecmill::Engine::open(options);
  if (!engine) return fail(engine.error());

  const std::array<std::string_view, 2> texts = {"how do I undo a commit", ""};
  const auto vectors = (*engine)->embed(texts);
  for (const auto& vector : vectors) {
    if (!vector) return fail(vector.error());
    double squares = 0;
    for (const float x : vector->vector) squares += double{x} * x;
    if (std::abs(squares - 1) > 1e-5) return fail(vecmill::make_error({}, "length is not one"));
  }
  const auto models = vecmill::list_models();
  if (!models) return fail(models.error());
  std::printf("%zu vectors of %zu numbers; %zu models here\n", vectors.size(),
              vectors.front()->vector.size(), models->size());

  options.model = "no/such-model";
  const auto missing = vecmill::Engine::open(options);
  return missing || missing.error().kind != vecmill::ErrorKind::kNotFound ? 1 : 0;
}
