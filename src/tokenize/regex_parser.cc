#include "vecmill/tokenize/regex_parser.h"

#include <optional>
#include <utility>

#include "vecmill/base/utf8.h"
#include "vecmill/tokenize/unicode.h"

namespace vecmill::tokenize {
namespace {

using Kind = RegexNode::Kind;
using Greed = RegexNode::Greed;
constexpr int kDeepest = 32;
constexpr std::size_t kLargestBound = 1000;

struct Bounds {
  std::size_t min, max;
  bool braces;
};

/// What holds inside a group.
struct Scope {
  bool ignore_case = false;
  int depth = 0;
};

bool is_ascii_letter(char32_t c) { return (c | 0x20) >= U'a' && (c | 0x20) <= U'z'; }

/// The one character that a node stands for; 0 when it is anything else.
char32_t literal(const RegexNode& node) {
  const CharSet& set = node.set;
  const bool single = node.kind == Kind::kSet && !set.negated && set.ranges.size() == 1 &&
                      set.nested.empty() && set.ranges[0].first == set.ranges[0].last;
  return single ? set.ranges[0].first : 0;
}

class Parser {
 public:
  Parser(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  Result<RegexNode> parse() {
    VECMILL_ASSIGN(RegexNode node, either({}));
    if (more()) return wrong("')' without '('");
    return node;
  }

 private:
  [[nodiscard]] Error complain(ErrorKind kind, std::string_view what, std::string hint) const {
    return make_error(
        kind, "regular expression: " + std::string(what) + " at byte " + std::to_string(at_),
        where_, std::move(hint));
  }
  [[nodiscard]] Error wrong(std::string_view what) const {
    return complain(ErrorKind::kInvalidData, what, "");
  }
  [[nodiscard]] Error unsupported(std::string_view what) const {
    return complain(ErrorKind::kUnsupported, what,
                    "this tokenizer needs something that Vecmill does not have");
  }
  [[nodiscard]] bool more() const { return at_ < pattern_.size(); }
  [[nodiscard]] bool sees(std::string_view token) const {
    return pattern_.substr(at_, token.size()) == token;
  }
  bool take(std::string_view token) {
    if (!sees(token)) return false;
    at_ += token.size();
    return true;
  }
  char32_t take_char() {
    const CodePoint c = decode_utf8(pattern_, at_);
    at_ += c.bytes;
    return c.value;
  }

  Result<RegexNode> either(Scope scope) {
    if (scope.depth > kDeepest) return unsupported("groups nested this deep");
    if (take("(?i)")) scope.ignore_case = true;
    RegexNode node;
    node.kind = Kind::kEither;
    do {
      VECMILL_ASSIGN(RegexNode branch, sequence(scope));
      node.children.push_back(std::move(branch));
    } while (take("|"));
    if (node.children.size() > 1) return node;
    RegexNode only = std::move(node.children[0]);
    return only;
  }

  Result<RegexNode> sequence(const Scope& scope) {
    RegexNode node;
    while (more() && !sees("|") && !sees(")")) {
      VECMILL_ASSIGN(RegexNode item, repeated(scope));
      if (scope.ignore_case && !node.children.empty() && folds(node.children.back(), item)) {
        return unsupported("letters without case that a ligature matches too");
      }
      node.children.push_back(std::move(item));
    }
    return node;
  }

  /// Without case, Oniguruma takes U+00DF for "ss" and so on.
  static bool folds(const RegexNode& before, const RegexNode& item) {
    const char32_t a = literal(before) | 0x20, b = literal(item) | 0x20;
    return (a == U's' && (b == U's' || b == U't')) ||
           (a == U'f' && (b == U'f' || b == U'i' || b == U'l'));
  }

  Result<RegexNode> repeated(const Scope& scope) {
    VECMILL_ASSIGN(RegexNode item, atom(scope));
    VECMILL_ASSIGN(const std::optional<Bounds> bounds, quantifier());
    if (!bounds) return item;
    RegexNode node;
    node.kind = Kind::kRepeat;
    node.min = bounds->min;
    node.max = bounds->max;
    const bool exact = bounds->braces && bounds->min == bounds->max;
    if (sees("+")) {
      // Behind braces a plus is a repeat of its own: (?:x{1,3})+ is x+.
      if (bounds->braces && (bounds->min > 1 || item.kind != Kind::kSet)) {
        return unsupported("a repeat of a repeat");
      }
      if (bounds->braces) {
        node.max = RegexNode::kUnbounded;
      } else {
        node.greed = Greed::kPossessive;
      }
      ++at_;
    } else if (sees("?")) {
      if (exact) return unsupported("a repeat of a repeat");
      node.greed = Greed::kLazy;
      ++at_;
    }
    if (sees("*") || sees("+") || sees("?")) return unsupported("a repeat of a repeat");
    node.children.push_back(std::move(item));
    return node;
  }

  Result<std::optional<Bounds>> quantifier() {
    using Found = std::optional<Bounds>;
    if (take("?")) return Found({0, 1, false});
    if (take("*")) return Found({0, RegexNode::kUnbounded, false});
    if (take("+")) return Found({1, RegexNode::kUnbounded, false});
    if (!take("{")) return Found();
    const auto min = take_number();
    auto max = min;
    if (take(",")) {
      max = take_number();
      if (!min && !max) return unsupported("such a '{'");
      if (!max) max = RegexNode::kUnbounded;
    }
    if (!max || !take("}")) return unsupported("such a '{'");
    if (min.value_or(0) > *max) return unsupported("a repeat whose bounds are swapped");
    if (min.value_or(0) > kLargestBound ||
        (*max > kLargestBound && *max != RegexNode::kUnbounded)) {
      return unsupported("a repeat this often");
    }
    return Found({min.value_or(0), *max, true});
  }

  std::optional<std::size_t> take_number() {
    std::optional<std::size_t> number;
    while (more() && pattern_[at_] >= '0' && pattern_[at_] <= '9' &&
           number.value_or(0) <= kLargestBound) {
      number = number.value_or(0) * 10 + static_cast<std::size_t>(pattern_[at_++] - '0');
    }
    return number;
  }

  Result<RegexNode> atom(const Scope& scope) {
    constexpr std::pair<std::string_view, Kind> kPlaces[] = {
        {"^", Kind::kLineStart}, {"$", Kind::kLineEnd},    {"\\A", Kind::kTextStart},
        {"\\z", Kind::kTextEnd}, {"\\b", Kind::kWordEdge}, {"\\B", Kind::kNotWordEdge}};
    RegexNode node;
    for (const auto& [token, kind] : kPlaces) {
      if (!take(token)) continue;
      node.kind = kind;
      if (kind == Kind::kWordEdge || kind == Kind::kNotWordEdge) node.set = word(false);
      return node;
    }
    if (take("(")) return group(scope);
    node.kind = Kind::kSet;
    if (sees("*") || sees("+") || sees("?")) return wrong("a repeat of nothing");
    if (take("[")) {
      VECMILL_ASSIGN(node.set, bracket(scope));
    } else if (take(".")) {
      node.set = CharSet::one(U'\n');
      node.set.negated = true;
    } else if (take("\\")) {
      VECMILL_ASSIGN(node.set, escape());
    } else {
      node.set = CharSet::one(take_char());
    }
    VECMILL_TRY(check_case(node.set, scope));
    node.set.ignore_case = scope.ignore_case;
    return node;
  }

  /// Without case, only ASCII is known for certain to fold as in Oniguruma.
  Status check_case(const CharSet& set, const Scope& scope) const {
    if (!scope.ignore_case) return {};
    bool certain = !set.negated && set.nested.empty();
    for (const CharSet::Range& range : set.ranges) certain = certain && range.last < 128;
    if (certain || (set.ranges.empty() && set.nested.empty())) return {};
    return unsupported("letters outside ASCII without case");
  }

  Result<RegexNode> group(Scope scope) {
    RegexNode node;
    ++scope.depth;
    if (take("?:")) {
      // a plain group
    } else if (take("?i:")) {
      scope.ignore_case = true;
    } else if (take("?>")) {
      node.kind = Kind::kAtomic;
    } else if (take("?=")) {
      node.kind = Kind::kAhead;
    } else if (take("?!")) {
      node.kind = Kind::kNotAhead;
    } else if (sees("?") && !sees("?i)")) {
      return unsupported("this kind of group");
    } else if (sees("?i)")) {
      return unsupported("an option in the middle");
    }
    VECMILL_ASSIGN(RegexNode inner, either(scope));
    if (!take(")")) return wrong("'(' without ')'");
    if (node.kind == Kind::kSequence && inner.kind == Kind::kSet) return inner;
    node.children.push_back(std::move(inner));
    return node;
  }

  Result<CharSet> bracket(Scope scope) {
    if (++scope.depth > kDeepest) return unsupported("classes nested this deep");
    CharSet set;
    set.negated = take("^");
    bool first = true;
    while (first || !take("]")) {
      first = false;
      if (!more()) return wrong("'[' without ']'");
      if (sees("[:")) return unsupported("a POSIX class");
      if (sees("&&")) return unsupported("an intersection of classes");
      if (take("[")) {
        VECMILL_ASSIGN(CharSet inner, bracket(scope));
        set.nested.push_back(std::move(inner));
      } else {
        VECMILL_TRY(class_item(set));
      }
    }
    return set;
  }

  static bool is_single(const CharSet& set) { return set.ranges.size() == 1 && set.nested.empty(); }

  /// One character, a range or an escape.
  Status class_item(CharSet& set) {
    VECMILL_ASSIGN(CharSet from, class_char());
    if (!is_single(from)) {
      set.nested.push_back(std::move(from));
      return {};
    }
    CharSet::Range range = from.ranges[0];
    if (sees("-") && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
      ++at_;
      VECMILL_ASSIGN(const CharSet to, class_char());
      if (!is_single(to) || to.ranges[0].first < range.first) return wrong("a range that is none");
      range.last = to.ranges[0].first;
    }
    set.ranges.push_back(range);
    return {};
  }

  Result<CharSet> class_char() {
    if (take("\\")) return escape();
    if (!more()) return wrong("'[' without ']'");
    return CharSet::one(take_char());
  }

  Result<CharSet> escape() {
    if (!more()) return wrong("nothing behind '\\'");
    const char32_t c = take_char();
    switch (c) {
      case U's':
      case U'S': return make_set(0, kWhiteSpace, c == U'S');
      case U'w':
      case U'W': return word(c == U'W');
      case U'd':
      case U'D': return make_set(CharSet::category_bits("Nd"), 0, c == U'D');
      case U'p':
      case U'P': return property(c == U'P');
      case U'n': return CharSet::one(U'\n');
      case U'r': return CharSet::one(U'\r');
      case U't': return CharSet::one(U'\t');
      case U'f': return CharSet::one(U'\f');
      case U'v': return CharSet::one(U'\v');
      case U'x': return hex(take("{"));
      case U'u': return hex4();
      default: break;
    }
    if (is_ascii_letter(c) || (c >= U'0' && c <= U'9')) return unsupported("this escape");
    return CharSet::one(c);
  }

  static CharSet make_set(std::uint32_t categories, std::uint16_t flags, bool negated) {
    CharSet set;
    set.categories = categories;
    set.flags = flags;
    set.negated = negated;
    return set;
  }

  /// Oniguruma's \w: without the joiners, with some numbers of Latin-1.
  static CharSet word(bool negated) {
    CharSet no_word = make_set(0, kWord, true);
    no_word.ranges = {{0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE}};
    CharSet set;
    set.negated = !negated;
    set.nested = {std::move(no_word)};
    set.ranges = {{0x200C, 0x200D}};
    return set;
  }

  Result<CharSet> property(bool negated) {
    if (!take("{")) return unsupported("'\\p' without '{'");
    const std::size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) return wrong("'\\p{' without '}'");
    std::string_view name = pattern_.substr(at_, end - at_);
    at_ = end + 1;
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const std::uint32_t categories = CharSet::category_bits(name);
    if (categories == 0) return unsupported("property '" + std::string(name) + "'");
    return make_set(categories, 0, negated);
  }

  Result<CharSet> hex4() {
    if (at_ + 4 > pattern_.size()) return wrong("such a '\\u'");
    return hex_digits(4, 4);
  }
  Result<CharSet> hex(bool braces) {
    if (!braces) return hex_digits(1, 2);
    VECMILL_ASSIGN(CharSet set, hex_digits(1, 8));
    if (!take("}")) return wrong("such a '\\x'");
    return set;
  }
  Result<CharSet> hex_digits(std::size_t least, std::size_t most) {
    char32_t value = 0;
    std::size_t digits = 0;
    for (; more() && digits < most; ++digits, ++at_) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(lower(pattern_[at_]));
      if (digit == std::string_view::npos) break;
      value = value * 16 + static_cast<char32_t>(digit);
    }
    if (digits < least || value > 0x10FFFF) return wrong("such a number of a character");
    if (value >= 0x80 && least == 1 && most == 2) return unsupported("single bytes above 7F");
    return CharSet::one(value);
  }
  static char lower(char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c; }

  const std::string_view pattern_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace

Result<RegexNode> parse_regex(std::string_view pattern, const std::string& where) {
  if (!is_valid_utf8(pattern)) {
    return make_error(ErrorKind::kInvalidData, "regular expression is not UTF-8", where);
  }
  return Parser(pattern, where).parse();
}

}  // namespace vecmill::tokenize
