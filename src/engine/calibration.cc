#include "vecmill/engine/calibration.h"

#include <array>
#include <string_view>
#include <utility>

#include "vecmill/encode/encoder.h"
#include "vecmill/tokenize/tokenizer.h"

namespace vecmill::engine {
namespace {

/// Prose, code, figures and short questions in several languages and scripts.
constexpr std::array<std::string_view, 24> kTexts = {
    "The ferry leaves the island at half past six in the morning and returns before the market "
    "closes; tickets are sold on board.",
    "how do I undo the last commit without losing my changes",
    "Error 404: the page /docs/v2/index.html was not found. Check the address or go back.",
    "for (int i = 0; i < n; ++i) { total += price[i] * count[i]; }  // net, before tax",
    "SELECT city, AVG(temperature) FROM readings WHERE day >= '2024-01-01' GROUP BY city;",
    "Revenue rose 4.7 % to $1,382,000 in the third quarter, while costs fell by 12 percent.",
    "Mitochondria turn nutrients into adenosine triphosphate, which cells use as fuel.",
    "Dear Ms Okafor, thank you for your letter of 3 May. We have sent the missing parts today.",
    "In this section we prove that every bounded monotone sequence of real numbers converges.",
    "Best pizza in town!!! The crust was perfect, but we waited 45 minutes for a table :(",
    "Ask the pharmacist before you take this medicine together with blood thinners.",
    "The court held that the contract was void because consent had been obtained by deceit.",
    "Der Zug nach Hamburg fährt heute wegen einer Störung von Gleis sieben ab.",
    "La bibliothèque ferme à dix-neuf heures, sauf le dimanche et les jours fériés.",
    "El río creció tanto en primavera que el puente viejo quedó bajo el agua.",
    "Il museo conserva una raccolta di strumenti musicali del Settecento.",
    "O café da manhã está incluído no preço do quarto.",
    "Поезд опоздал на два часа, и мы пропустили начало концерта.",
    "Η θάλασσα ήταν ήρεμη και τα παιδιά έπαιζαν στην παραλία.",
    "图书馆周末开放到晚上九点，请提前预约座位。",
    "駅から歩いて五分のところに、小さな本屋があります。",
    "날씨가 추워져서 따뜻한 차를 마시고 싶어요.",
    "يفتح السوق أبوابه في الصباح الباكر ويغلق عند الغروب.",
    "गाँव के पास एक पुराना किला है जहाँ लोग शाम को घूमने जाते हैं।",
};

}  // namespace

Result<std::vector<std::vector<TokenId>>> calibration_texts(
    const std::filesystem::path& model_folder) {
  VECMILL_ASSIGN(const encode::ModelDescription model, encode::describe(model_folder));
  VECMILL_ASSIGN(const auto tokenizer,
                 tokenize::Tokenizer::from_folder(model_folder / model.tokenizer_folder));
  tokenize::EncodeOptions options;
  options.max_tokens = model.max_tokens;
  options.add_special_tokens = model.special_tokens;
  std::vector<std::vector<TokenId>> texts;
  for (const std::string_view text : kTexts) {
    VECMILL_ASSIGN(auto encoding, tokenizer.encode(text, options));
    texts.push_back(std::move(encoding.ids));
  }
  return texts;
}

}  // namespace vecmill::engine
