#include "vecmill/engine/calibration.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "vecmill/encode/encoder.h"
#include "vecmill/engine/calibration_texts.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::engine {

Result<std::vector<std::vector<TokenId>>> calibration_texts(
    const std::filesystem::path& model_folder, std::size_t most) {
  VECMILL_ASSIGN(const encode::ModelDescription model, encode::describe(model_folder));
  VECMILL_ASSIGN(const auto tokenizer,
                 tokenize::Tokenizer::from_folder(model_folder / model.tokenizer_folder));
  tokenize::EncodeOptions options;
  options.max_tokens = model.max_tokens;
  options.add_special_tokens = model.special_tokens;
  std::vector<std::vector<TokenId>> texts;
  const auto all = built_in_texts();
  for (const std::string_view text : all.first(std::min(most, all.size()))) {
    VECMILL_ASSIGN(auto encoding, tokenizer.encode(text, options));
    texts.push_back(std::move(encoding.ids));
  }
  return texts;
}

}  // namespace vecmill::engine
