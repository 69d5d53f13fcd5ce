// modules: remote
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/remote/remote_api.h"

/// The first byte picks API and status, the rest is the body of a reply to three texts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vecmill;
  using namespace vecmill::remote;
  if (size == 0) return 0;
  static const Secret kKey("key-for-fuzzing");
  static const std::vector<std::string_view> kTexts{"first text of three", "second", ""};
  constexpr int kStatuses[] = {200, 200, 200, 400, 404, 413, 429, 500};
  const auto apis = dialects();
  const RemoteModel model{.dialect = &apis[data[0] / 8 % apis.size()], .name = "m"};
  const http::ApiReply reply{
      kStatuses[data[0] % 8], {}, std::string(reinterpret_cast<const char*>(data + 1), size - 1)};
  const CallResult result = read_result(model, reply, kTexts, kKey, "");
  const bool good = result.outcome == policy::Outcome::kSuccess;
  VECMILL_CHECK(result.error.has_value() != good);
  VECMILL_CHECK(result.embeddings.size() == (good ? kTexts.size() : 0));
  for (const Embedding& embedding : result.embeddings) {
    VECMILL_CHECK(embedding.vector.size() == result.embeddings[0].vector.size());
  }
  if (!good) {
    const std::string shown = result.error->to_string();
    VECMILL_CHECK(shown.find(kKey.reveal()) == std::string::npos);
    VECMILL_CHECK(shown.find(kTexts[0]) == std::string::npos);
    VECMILL_CHECK(shown.find_first_of(std::string_view("\n\0", 2)) == std::string::npos);
  }
  return 0;
}
