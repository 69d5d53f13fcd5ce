#include "vecmill/provider/unweighted_tokens.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "vecmill/base/json_text.h"
#include "vecmill/base/mapped_file.h"
#include "vecmill/base/utf8.h"

namespace vecmill::provider {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 16u << 20;

/// What each is called where no file says it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTokens = {{
    {"cls_token", "<s>"},
    {"eos_token", "</s>"},
    {"pad_token", "<pad>"},
    {"unk_token", "<unk>"},
}};

using Names = std::map<std::string, std::string, std::less<>>;

Error broken(const fs::path& file, const char* what) {
  return make_error(ErrorKind::kInvalidData, what, file.string(), "fetch the model again");
}

/// A token is written as a string, or as an object that has it as "content".
Result<std::string> token_of(std::string_view value, const fs::path& file) {
  std::vector<JsonField> fields;
  if (value.starts_with('{') && !scan_json_object(value, fields)) {
    const auto content = std::find_if(fields.begin(), fields.end(),
                                      [](const JsonField& f) { return f.key == "content"; });
    value = content == fields.end() ? std::string_view() : content->value;
  }
  if (auto text = json_string(value)) return *std::move(text);
  return broken(file, "names a special token that is no string");
}

/// Adds what the file names and `names` does not have.
Status add_names(const fs::path& file, Names& names) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  VECMILL_ASSIGN(const std::string text, read_file(file, kLargestFile));
  std::vector<JsonField> fields;
  if (!is_valid_utf8(text) || scan_json_object(text, fields)) {
    return broken(file, "is not a JSON object");
  }
  for (const JsonField& field : fields) {
    const bool wanted = std::any_of(kTokens.begin(), kTokens.end(),
                                    [&](const auto& token) { return token.first == field.key; });
    if (!wanted || field.value == "null") continue;
    VECMILL_ASSIGN(std::string token, token_of(field.value, file));
    names.emplace(field.key, std::move(token));
  }
  return {};
}

}  // namespace

Result<std::vector<TokenId>> unweighted_tokens(const fs::path& model_folder,
                                               const tokenize::Tokenizer& tokenizer) {
  Names names;
  VECMILL_TRY(add_names(model_folder / "tokenizer_config.json", names));
  VECMILL_TRY(add_names(model_folder / "special_tokens_map.json", names));
  std::vector<TokenId> ids;
  for (const auto& [key, usual] : kTokens) {
    const auto named = names.find(key);
    const std::string_view token = named == names.end() ? usual : std::string_view(named->second);
    if (const auto id = tokenizer.token_to_id(token)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace vecmill::provider
