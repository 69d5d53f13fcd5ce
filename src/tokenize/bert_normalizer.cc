#include <algorithm>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/normalizer.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : options_(options) {
    rules_.reserve(kTable);
    for (char32_t c = 0; c < kTable; ++c) rules_.push_back(is_slow(c) ? kComputed : make_rule(c));
  }

 private:
  /// What becomes of a character; from kMapped on, mapped_[rule - kMapped].
  using Rule = std::uint16_t;
  static constexpr Rule kKept = 0, kDropped = 1, kSpaced = 2, kComputed = 3, kReordered = 4,
                        kMapped = 5;

  bool rewrite(Section& section) const override {
    const std::string_view text = section.text;
    std::string& out = section.spare;
    out.clear();
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = decode_utf8(text, at);
      const std::size_t begin = std::exchange(at, at + c.bytes);
      const Rule rule = c.value < kTable ? rules_[c.value] : Rule{kComputed};
      if (rule == kKept) continue;
      out.append(text, done, begin - done);
      done = at;
      if (rule >= kMapped) {
        out += mapped_[rule - kMapped];
      } else if (rule == kSpaced) {
        (out += ' ').append(text, begin, c.bytes) += ' ';
      } else if (rule == kReordered || (rule == kComputed && !compute(c.value, out))) {
        return rewrite_by_steps(section);
      }
      if (begin == 0 && out.empty()) section.at_start = false;
    }
    if (done == 0) return true;
    out.append(text, done);
    section.text.swap(out);
    return true;
  }

  /// For a character that is not in rules_; false when it is kReordered.
  bool compute(char32_t c, std::string& out) const {
    const std::u32string points = changed({&c, 1});
    append_points(out, points);
    return !may_change_places(points);
  }

  /// Not from character to character, but as the library does it.
  bool rewrite_by_steps(Section& section) const {
    const std::u32string points = to_utf32(section.text);
    if (changed(std::u32string_view(points).substr(0, 1)).empty()) section.at_start = false;
    section.text.clear();
    append_points(section.text, changed(points));
    return true;
  }

  [[nodiscard]] std::u32string changed(std::u32string_view points) const {
    std::u32string text;
    for (const char32_t c : points) clean(c, text);
    if (options_.strip_accents) {
      text = tokenize::normalize(text, Form::kNfd);
      std::erase_if(text, [](char32_t c) { return has(c, kBertMark); });
    }
    if (!options_.lowercase) return text;
    std::u32string lower;
    for (const char32_t c : text) append_lower(lower, c);
    return lower;
  }

  void clean(char32_t c, std::u32string& out) const {
    if (options_.clean_text) {
      if (has(c, kBertRemoved)) return;
      if (has(c, kBertSpace)) c = U' ';
    }
    const bool spaced = options_.handle_chinese_chars && has(c, kBertChinese);
    if (spaced) out += U' ';
    out += c;
    if (spaced) out += U' ';
  }

  /// Marks that strip_accents leaves are ordered among themselves.
  [[nodiscard]] bool may_change_places(std::u32string_view points) const {
    return options_.strip_accents && std::any_of(points.begin(), points.end(), combining_class);
  }

  /// A table of these would cost more than it saves.
  static bool is_slow(char32_t c) { return c >= 0xAC00 && c < 0xE000; }  // Hangul, surrogates

  Rule make_rule(char32_t c) {
    const std::u32string points = changed({&c, 1});
    if (may_change_places(points)) return kReordered;
    if (points.empty()) return kDropped;
    if (points.size() == 1 && points[0] == c) return kKept;
    if (points.size() == 3 && points[0] == U' ' && points[1] == c) return kSpaced;
    append_points(mapped_.emplace_back(), points);
    return static_cast<Rule>(kMapped + mapped_.size() - 1);
  }

  static constexpr char32_t kTable = 0x10000;
  const BertNormalizerOptions options_;
  std::vector<Rule> rules_;
  std::vector<std::string> mapped_;
};

}  // namespace

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerOptions& options) {
  return std::make_unique<BertNormalizer>(options);
}

}  // namespace vecmill::tokenize
