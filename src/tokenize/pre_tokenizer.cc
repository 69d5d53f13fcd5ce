#include "vecmill/tokenize/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/byte_level.h"
#include "vecmill/tokenize/cutting.h"
#include "vecmill/tokenize/known_patterns.h"
#include "vecmill/tokenize/pattern.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

class BertPreTokenizer : public PreTokenizer {
  void split(Pieces& pieces) const override {
    cut_pieces(pieces, [](std::string_view text, const Emit& emit) {
      std::size_t begun = 0;
      for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        if (has(c.value, kWhiteSpace | kBertPunctuation)) {
          emit(begun, at);
          if (!has(c.value, kWhiteSpace)) emit(at, at + c.bytes);
          begun = at + c.bytes;
        }
        at += c.bytes;
      }
      emit(begun, text.size());
    });
  }
  [[nodiscard]] bool splits_chunks() const override { return true; }
};

/// Cuts around each character that has one of the flags.
class FlagSplitter : public PreTokenizer {
 public:
  FlagSplitter(std::uint16_t flags, Behavior behavior) : flags_(flags), behavior_(behavior) {}
  void split(Pieces& pieces) const override {
    const auto matches = [this](char32_t c) { return has(c, flags_); };
    split_at_chars(pieces, matches, behavior_);
  }
  [[nodiscard]] bool splits_chunks() const override {
    return (flags_ & kWhiteSpace) != 0 && behavior_ == Behavior::kRemoved;
  }

 private:
  const std::uint16_t flags_;
  const Behavior behavior_;
};

class CharDelimiterSplit : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(char32_t delimiter) : delimiter_(delimiter) {}
  void split(Pieces& pieces) const override {
    const auto matches = [this](char32_t c) { return c == delimiter_; };
    split_at_chars(pieces, matches, Behavior::kRemoved);
  }

 private:
  const char32_t delimiter_;
};

/// \w+|[^\w\s]+
class Whitespace : public PreTokenizer {
  void split(Pieces& pieces) const override {
    cut_pieces(pieces, [](std::string_view text, const Emit& emit) {
      const auto kind = [](char32_t c) { return has(c, kWord) ? 2 : has(c, kWhiteSpace) ? 0 : 1; };
      std::size_t begun = 0;
      int last = 0;
      for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        const int now = kind(c.value);
        if (now != last) {
          if (last != 0) emit(begun, at);
          begun = at;
          last = now;
        }
        at += c.bytes;
      }
      if (last != 0) emit(begun, text.size());
    });
  }
  [[nodiscard]] bool splits_chunks() const override { return true; }
};

class UnicodeScripts : public PreTokenizer {
  void split(Pieces& pieces) const override {
    cut_pieces(pieces, [](std::string_view text, const Emit& emit) {
      std::uint8_t last_script = 0;
      std::size_t begun = text.size();  // what stands before the first script is lost
      for (std::size_t at = 0; at < text.size();) {
        const CodePoint c = decode_utf8(text, at);
        const std::uint8_t script = script_class(c.value);
        if (script != 0 && script != last_script) {
          emit(begun, at);
          begun = at;
        }
        if (script != 0) last_script = script;
        at += c.bytes;
      }
      emit(begun, text.size());
    });
  }
};

class FixedLength : public PreTokenizer {
 public:
  explicit FixedLength(std::size_t length) : length_(length) {}
  void split(Pieces& pieces) const override {
    cut_pieces(pieces, [this](std::string_view text, const Emit& emit) {
      std::size_t begun = 0, count = 0;
      for (std::size_t at = 0; at < text.size();) {
        at += decode_utf8(text, at).bytes;
        if (++count == length_) {
          emit(begun, at);
          begun = at;
          count = 0;
        }
      }
      emit(begun, text.size());
    });
  }

 private:
  const std::size_t length_;
};

class Metaspace : public PreTokenizer {
 public:
  explicit Metaspace(const MetaspaceOptions& options) : options_(options) {
    append_utf8(mark_, options.replacement);
  }

  void split(Pieces& pieces) const override {
    rewrite_pieces(pieces, [this](std::string_view text, bool at_start, std::string& out) {
      const bool wanted = options_.prepend == PrependScheme::kAlways ||
                          (options_.prepend == PrependScheme::kFirst && at_start);
      const bool marked = text.starts_with(' ') || text.starts_with(mark_);
      if (wanted && !marked) out += mark_;
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t space = std::min(text.find(' ', at), text.size());
        out.append(text, at, space - at);
        if (space < text.size()) out += mark_;
        at = space + 1;
      }
    });
    if (!options_.split) return;
    cut_pieces(pieces, [this](std::string_view text, const Emit& emit) {
      std::size_t begun = 0;
      for (std::size_t at = text.find(mark_, 1); at < text.size(); at = text.find(mark_, at + 1)) {
        emit(begun, at);
        begun = at;
      }
      emit(begun, text.size());
    });
  }
  /// With kFirst, a first chunk depends on where its section stands.
  [[nodiscard]] bool splits_chunks() const override {
    return options_.split && options_.prepend != PrependScheme::kFirst;
  }

 private:
  const MetaspaceOptions options_;
  std::string mark_;
};

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}

  void split(Pieces& pieces) const override {
    if (add_prefix_space_) {
      rewrite_pieces(pieces, [](std::string_view text, bool, std::string& out) {
        if (!text.starts_with(' ')) out += ' ';
        out += text;
      });
    }
    if (use_regex_) cut_pieces(pieces, cut_like_gpt2);
    rewrite_pieces(pieces, [](std::string_view text, bool, std::string& out) {
      for (const char c : text) out += byte_level_char(static_cast<unsigned char>(c));
    });
  }
  [[nodiscard]] bool splits_chunks() const override { return use_regex_; }

 private:
  const bool add_prefix_space_, use_regex_;
};

class Split : public PreTokenizer {
 public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {
    if (pattern_.is_regex() && behavior == Behavior::kIsolated && !invert) {
      known_ = find_known_pattern(pattern_.source());
    }
  }

  void split(Pieces& pieces) const override {
    if (known_ != nullptr) return cut_pieces(pieces, known_);
    std::vector<Span> matches;
    std::vector<Part> parts;
    cut_pieces(pieces, [&](std::string_view text, const Emit& emit) {
      pattern_.find_all(text, matches);
      parts_between(matches, text.size(), parts);
      if (invert_) {
        for (Part& part : parts) part.is_match = !part.is_match;
      }
      emit_parts(parts, behavior_, emit);
    });
  }
  [[nodiscard]] bool splits_chunks() const override { return known_ != nullptr; }

 private:
  const Pattern pattern_;
  const Behavior behavior_;
  const bool invert_;
  KnownCut known_ = nullptr;
};

class Sequence : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}
  void split(Pieces& pieces) const override {
    for (const auto& part : parts_) part->split(pieces);
  }
  /// The later ones work on each piece by itself.
  [[nodiscard]] bool splits_chunks() const override {
    return !parts_.empty() && parts_.front()->splits_chunks();
  }

 private:
  const std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

using Made = Result<std::unique_ptr<PreTokenizer>>;

template <class T, class... Args>
Made make(Args&&... args) {
  return std::unique_ptr<PreTokenizer>(std::make_unique<T>(std::forward<Args>(args)...));
}

Result<Behavior> read_behavior(const JsonNode& node) {
  constexpr std::pair<std::string_view, Behavior> kNames[] = {
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  VECMILL_ASSIGN(const std::string_view text, node.string_or("behavior", "Isolated"));
  for (const auto& [name, behavior] : kNames) {
    if (text == name) return behavior;
  }
  return node.unsupported("unknown behavior \"" + std::string(text) + "\"");
}

Result<char32_t> read_char(const JsonNode& node, std::string_view key) {
  VECMILL_ASSIGN(const std::string_view text, node.string_at(key));
  if (text.empty() || decode_utf8(text, 0).bytes != text.size()) {
    return node.wrong("\"" + std::string(key) + "\" is not one character");
  }
  return decode_utf8(text, 0).value;
}

Made read_metaspace(const JsonNode& node) {
  VECMILL_TRY(
      node.only({"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  MetaspaceOptions options;
  VECMILL_ASSIGN(options.replacement, read_char(node, "replacement"));
  VECMILL_ASSIGN(options.split, node.bool_or("split", true));
  VECMILL_ASSIGN(const std::string_view scheme, node.string_or("prepend_scheme", "always"));
  if (scheme == "first") {
    options.prepend = PrependScheme::kFirst;
  } else if (scheme == "never") {
    options.prepend = PrependScheme::kNever;
  } else if (scheme != "always") {
    return node.unsupported("unknown prepend_scheme \"" + std::string(scheme) + "\"");
  }
  VECMILL_ASSIGN(const bool add_prefix_space, node.bool_or("add_prefix_space", true));
  if (!add_prefix_space) {
    if (node.find("prepend_scheme") && options.prepend != PrependScheme::kNever) {
      return node.wrong("\"add_prefix_space\" contradicts \"prepend_scheme\"");
    }
    options.prepend = PrependScheme::kNever;
  }
  return make_metaspace(options);
}

Made read_byte_level(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  VECMILL_ASSIGN(const bool add_prefix_space, node.bool_or("add_prefix_space", true));
  VECMILL_ASSIGN(const bool use_regex, node.bool_or("use_regex", true));
  return make<ByteLevel>(add_prefix_space, use_regex);
}

Made read_split(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "pattern", "behavior", "invert"}));
  VECMILL_ASSIGN(const JsonNode pattern_node, node.at("pattern"));
  VECMILL_ASSIGN(Pattern pattern, Pattern::from_json(pattern_node));
  VECMILL_ASSIGN(const Behavior behavior, read_behavior(node));
  VECMILL_ASSIGN(const bool invert, node.bool_or("invert", false));
  return make<Split>(std::move(pattern), behavior, invert);
}

Made read_punctuation(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "behavior"}));
  VECMILL_ASSIGN(const Behavior behavior, read_behavior(node));
  return make<FlagSplitter>(kBertPunctuation, behavior);
}

Made read_digits(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "individual_digits"}));
  VECMILL_ASSIGN(const bool individual, node.bool_or("individual_digits", false));
  return make<FlagSplitter>(kNumeric, individual ? Behavior::kIsolated : Behavior::kContiguous);
}

Made read_delimiter_split(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "delimiter"}));
  VECMILL_ASSIGN(const char32_t delimiter, read_char(node, "delimiter"));
  return make<CharDelimiterSplit>(delimiter);
}

Made read_fixed_length(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "length"}));
  VECMILL_ASSIGN(const std::int64_t length, node.integer_or("length", 5));
  if (length <= 0) return node.wrong("\"length\" is not positive");
  return make<FixedLength>(static_cast<std::size_t>(length));
}

Made read_sequence(const JsonNode& node) {
  VECMILL_TRY(node.only({"type", "pretokenizers"}));
  VECMILL_ASSIGN(const JsonNode list, node.at("pretokenizers"));
  VECMILL_ASSIGN(const auto items, list.items());
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  for (const JsonNode& item : items) {
    VECMILL_ASSIGN(auto part, make_pre_tokenizer(item));
    parts.push_back(std::move(part));
  }
  return make_pre_tokenizer_sequence(std::move(parts));
}

/// Those without settings of their own.
Made read_plain(const JsonNode& node, std::string_view type) {
  VECMILL_TRY(node.only({"type"}));
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "WhitespaceSplit") return make_whitespace_splitter();
  if (type == "Whitespace") return make<Whitespace>();
  return make<UnicodeScripts>();
}

}  // namespace

Result<std::unique_ptr<PreTokenizer>> make_pre_tokenizer(const JsonNode& node) {
  using Reader = Made (*)(const JsonNode&);
  constexpr std::pair<std::string_view, Reader> kReaders[] = {
      {"Metaspace", read_metaspace},
      {"ByteLevel", read_byte_level},
      {"Split", read_split},
      {"Punctuation", read_punctuation},
      {"Digits", read_digits},
      {"CharDelimiterSplit", read_delimiter_split},
      {"FixedLength", read_fixed_length},
      {"Sequence", read_sequence}};
  VECMILL_ASSIGN(const std::string_view type, node.string_at("type"));
  for (const auto& [name, reader] : kReaders) {
    if (type == name) return reader(node);
  }
  for (const std::string_view name :
       {"BertPreTokenizer", "WhitespaceSplit", "Whitespace", "UnicodeScripts"}) {
    if (type == name) return read_plain(node, type);
  }
  return node.unsupported("unknown pre-tokenizer \"" + std::string(type) + "\"");
}

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}
std::unique_ptr<PreTokenizer> make_whitespace_splitter() {
  return std::make_unique<FlagSplitter>(kWhiteSpace, Behavior::kRemoved);
}
std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceOptions& options) {
  return std::make_unique<Metaspace>(options);
}
std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(
    std::vector<std::unique_ptr<PreTokenizer>> parts) {
  return std::make_unique<Sequence>(std::move(parts));
}

}  // namespace vecmill::tokenize
