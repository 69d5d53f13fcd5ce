// modules: encode
// One input is all files of a folder: "name\0content\0name\0content...".
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vecmill/base/check.h"
#include "vecmill/encode/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next = [&] {
    const std::string_view part = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 1);
    return std::string(part);
  };
  vecmill::encode::ConfigFiles files;
  while (!rest.empty()) {
    std::string name = next();
    files.insert_or_assign(std::move(name), next());
  }
  const auto model = vecmill::encode::parse_model_config(files, "fuzz");
  if (model) {
    VECMILL_CHECK(model->description.dims > 0 && model->description.max_tokens > 0);
    VECMILL_CHECK(model->transformer.hidden % model->transformer.heads == 0);
  }
  return 0;
}
