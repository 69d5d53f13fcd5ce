#include "vecmill/tokenize/normalizer.h"

#include <algorithm>

#include "vecmill/base/base64.h"
#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/byte_level.h"
#include "vecmill/tokenize/charsmap.h"
#include "vecmill/tokenize/pattern.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

void assign(std::string& text, std::u32string_view points) {
  text.clear();
  append_points(text, points);
}

/// Changes each code point on its own: `change(out, c)` appends what becomes of c.
template <class Change>
bool change_each(Section& section, Change change) {
  const std::u32string points = to_utf32(section.text);
  std::u32string out;
  out.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    change(out, points[i]);
    if (i == 0 && out.empty()) section.at_start = false;
  }
  assign(section.text, out);
  return true;
}

class Lowercase : public Normalizer {
  bool rewrite(Section& section) const override { return change_each(section, append_lower); }
};

class UnicodeForm : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : form_(form) {}

 private:
  bool rewrite(Section& section) const override {
    if (is_ascii(section.text)) return true;
    assign(section.text, tokenize::normalize(to_utf32(section.text), form_));
    return true;
  }

  const Form form_;
};

class StripAccents : public Normalizer {
  bool rewrite(Section& section) const override {
    return change_each(section, [](std::u32string& out, char32_t c) {
      if (!has(c, kMark)) out += c;
    });
  }
};

class Nmt : public Normalizer {
  bool rewrite(Section& section) const override {
    return change_each(section, [](std::u32string& out, char32_t c) {
      if (!has(c, kNmtRemoved)) out += has(c, kNmtSpace) ? U' ' : c;
    });
  }
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

 private:
  bool rewrite(Section& section) const override {
    const std::u32string points = to_utf32(section.text);
    const bool left = left_ && !section.cut_left, right = right_ && !section.cut_right;
    std::size_t first = 0, last = points.size();
    while (left && first < last && has(points[first], kWhiteSpace)) ++first;
    while (right && last > first && has(points[last - 1], kWhiteSpace)) --last;
    if (first > 0) section.at_start = false;
    assign(section.text, std::u32string_view(points).substr(first, last - first));
    return true;
  }

  const bool left_, right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string_view prefix) : prefix_(prefix) {}

 private:
  bool rewrite(Section& section) const override {
    if (!section.text.empty() && !section.cut_left) section.text.insert(0, prefix_);
    return true;
  }

  const std::string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(Pattern pattern, std::string_view content)
      : pattern_(std::move(pattern)), content_(content) {}

  /// Nothing is known of what the pattern looks at.
  [[nodiscard]] bool keeps_chunks() const override { return false; }

 private:
  bool rewrite(Section& section) const override {
    if (section.cut_left || section.cut_right) return false;
    std::string& text = section.text;
    std::vector<Span> matches;
    pattern_.find_all(text, matches);
    if (matches.empty()) return true;
    if (!keeps_start(text, matches.front())) section.at_start = false;
    std::string out;
    std::size_t done = 0;
    for (const Span& match : matches) {
      out.append(text, done, match.first - done);
      out += content_;
      done = match.last;
    }
    out.append(text, done);
    text = std::move(out);
    return true;
  }

  /// The library counts what it puts in as part of the last character that it takes out.
  [[nodiscard]] bool keeps_start(std::string_view text, const Span& match) const {
    if (match.first > 0 || match.last == 0) return true;
    return !content_.empty() && decode_utf8(text, 0).bytes == match.last;
  }

  const Pattern pattern_;
  const std::string content_;
};

/// Replace with the regular expression " {2,}", which many files have.
class SpaceCollapser : public Normalizer {
 public:
  static constexpr std::string_view kPattern = " {2,}";
  explicit SpaceCollapser(std::string_view content) : content_(content) {}

 private:
  bool rewrite(Section& section) const override {
    std::string& text = section.text;
    std::size_t at = text.find("  ");
    if (at == std::string::npos) return true;
    if (at == 0) section.at_start = false;
    std::string& out = section.spare;
    out.clear();
    for (std::size_t done = 0; done < text.size(); at = text.find("  ", done)) {
      out.append(text, done, at - done);
      if (at == std::string::npos) break;
      out += content_;
      done = std::min(text.find_first_not_of(' ', at), text.size());
    }
    text.swap(out);
    return true;
  }

  const std::string content_;
};

class ByteLevelNormalizer : public Normalizer {
 public:
  [[nodiscard]] bool keeps_chunks() const override { return false; }

 private:
  bool rewrite(Section& section) const override {
    std::string out;
    for (const char c : section.text) out += byte_level_char(static_cast<unsigned char>(c));
    section.text = std::move(out);
    return true;
  }
};

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(Charsmap map) : map_(std::move(map)) {}
  [[nodiscard]] bool keeps_chunks() const override { return map_.keeps_space(); }

 private:
  bool rewrite(Section& section) const override {
    section.spare.clear();
    map_.normalize(section.text, section.spare);
    section.text.swap(section.spare);
    return true;
  }

  const Charsmap map_;
};

class Sequence : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] bool keeps_chunks() const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const auto& part) { return part->keeps_chunks(); });
  }

 private:
  bool rewrite(Section& section) const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [&](const auto& part) { return part->normalize(section); });
  }

  const std::vector<std::unique_ptr<Normalizer>> parts_;
};

using Made = Result<std::unique_ptr<Normalizer>>;

Made make_bert(const JsonNode& node) {
  VECMILL_TRY(
      node.only({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}));
  BertNormalizerOptions options;
  VECMILL_ASSIGN(options.clean_text, node.bool_or("clean_text", true));
  VECMILL_ASSIGN(options.handle_chinese_chars, node.bool_or("handle_chinese_chars", true));
  VECMILL_ASSIGN(options.lowercase, node.bool_or("lowercase", true));
  VECMILL_ASSIGN(options.strip_accents, node.bool_or("strip_accents", options.lowercase));
  return make_bert_normalizer(options);
}

Made make_replace(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "pattern", "content"}));
  VECMILL_ASSIGN(const JsonNode pattern_node, node.at("pattern"));
  VECMILL_ASSIGN(Pattern pattern, Pattern::from_json(pattern_node));
  VECMILL_ASSIGN(const std::string_view content, node.string_at("content"));
  std::unique_ptr<Normalizer> made;
  if (pattern.is_regex() && pattern.source() == SpaceCollapser::kPattern) {
    made = std::make_unique<SpaceCollapser>(content);
  } else {
    made = std::make_unique<Replace>(std::move(pattern), content);
  }
  return made;
}

Made make_sequence(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "normalizers"}));
  VECMILL_ASSIGN(const JsonNode list, node.at("normalizers"));
  VECMILL_ASSIGN(const auto items, list.items());
  std::vector<std::unique_ptr<Normalizer>> parts;
  for (const JsonNode& item : items) {
    VECMILL_ASSIGN(auto part, make_normalizer(item));
    parts.push_back(std::move(part));
  }
  return make_normalizer_sequence(std::move(parts));
}

Made make_precompiled(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "precompiled_charsmap"}));
  VECMILL_ASSIGN(const std::string_view encoded, node.string_at("precompiled_charsmap"));
  const auto map = decode_base64(encoded);
  if (!map) return node.wrong("\"precompiled_charsmap\" is not base64");
  return make_charsmap_normalizer(*map, node.place());
}

Made make_prepend(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "prepend"}));
  VECMILL_ASSIGN(const std::string_view prefix, node.string_at("prepend"));
  return std::unique_ptr<Normalizer>(std::make_unique<Prepend>(prefix));
}

Made make_strip(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "strip_left", "strip_right"}));
  VECMILL_ASSIGN(const bool left, node.bool_or("strip_left", true));
  VECMILL_ASSIGN(const bool right, node.bool_or("strip_right", true));
  return std::unique_ptr<Normalizer>(std::make_unique<Strip>(left, right));
}

/// Those without settings of their own.
std::unique_ptr<Normalizer> make_plain(std::string_view type) {
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "NFC") return std::make_unique<UnicodeForm>(Form::kNfc);
  if (type == "NFD") return std::make_unique<UnicodeForm>(Form::kNfd);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(Form::kNfkc);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(Form::kNfkd);
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  return nullptr;
}

/// Old files do not say the type: the settings do.
std::string_view infer_type(const JsonNode& node) {
  if (node.find("clean_text")) return "BertNormalizer";
  if (node.find("strip_left")) return "Strip";
  if (node.find("prepend")) return "Prepend";
  if (node.find("content")) return "Replace";
  if (node.find("normalizers")) return "Sequence";
  return {};
}

}  // namespace

Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonNode& node) {
  using Reader = Made (*)(const JsonNode&);
  constexpr std::pair<std::string_view, Reader> kReaders[] = {
      {"BertNormalizer", make_bert}, {"Sequence", make_sequence},
      {"Strip", make_strip},         {"Replace", make_replace},
      {"Prepend", make_prepend},     {"Precompiled", make_precompiled}};
  VECMILL_ASSIGN(std::string_view type, node.string_or("type", infer_type(node)));
  for (const auto& [name, reader] : kReaders) {
    if (type == name) return reader(node);
  }
  if (auto plain = make_plain(type)) {
    VECMILL_TRY(node.only({"type"}));
    return plain;
  }
  if (type.empty()) return node.wrong("has no \"type\"");
  return node.unsupported("unknown normalizer \"" + std::string(type) + "\"");
}

Result<std::unique_ptr<Normalizer>> make_charsmap_normalizer(std::string_view map,
                                                             const std::string& where) {
  VECMILL_ASSIGN(Charsmap parsed, Charsmap::parse(map, where));
  return std::unique_ptr<Normalizer>(std::make_unique<Precompiled>(std::move(parsed)));
}
std::unique_ptr<Normalizer> make_normalizer_sequence(
    std::vector<std::unique_ptr<Normalizer>> parts) {
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace vecmill::tokenize
