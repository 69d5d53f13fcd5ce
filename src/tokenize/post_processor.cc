#include "vecmill/tokenize/post_processor.h"

#include <algorithm>

#include "vecmill/tokenize/vocabulary.h"

namespace vecmill::tokenize {
namespace {

using Item = PostProcessor::Item;
/// The encodings between two processors of a sequence.
using Lists = std::vector<std::vector<Item>>;

Result<TokenId> read_id(const JsonNode& node) {
  VECMILL_ASSIGN(const std::int64_t id, node.integer());
  if (id < 0 || id >= kIdLimit) {
    return node.wrong("is " + std::to_string(id) + ", which is out of range");
  }
  return static_cast<TokenId>(id);
}

/// ["[SEP]", 102]
Result<TokenId> read_token(const JsonNode& node, std::string_view key) {
  VECMILL_ASSIGN(const JsonNode pair, node.at(key));
  VECMILL_ASSIGN(const auto items, pair.items());
  if (items.size() != 2 || !items[0].is_string()) return pair.wrong("is not [\"token\", id]");
  return read_id(items[1]);
}

/// `[CLS] A [SEP]`; what comes later is the second text of a pair.
Status apply_pair_style(const JsonNode& node, bool separator_before, Lists& lists) {
  VECMILL_ASSIGN(const TokenId cls, read_token(node, "cls"));
  VECMILL_ASSIGN(const TokenId sep, read_token(node, "sep"));
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (i == 0) {
      lists[i].insert(lists[i].begin(), cls);
    } else if (separator_before) {
      lists[i].insert(lists[i].begin(), sep);
    }
    lists[i].push_back(sep);
  }
  return {};
}

Status apply_bert(const JsonNode& node, Lists& lists) {
  VECMILL_TRY(node.only({"type", "sep", "cls"}));
  return apply_pair_style(node, false, lists);
}

Status apply_roberta(const JsonNode& node, Lists& lists) {
  VECMILL_TRY(node.only({"type", "sep", "cls", "trim_offsets", "add_prefix_space"}));
  return apply_pair_style(node, true, lists);
}

Result<std::vector<Item>> read_special(const JsonNode& node, const JsonNode& item) {
  VECMILL_ASSIGN(const std::string_view name, item.string_at("id"));
  VECMILL_ASSIGN(const JsonNode tokens, node.at("special_tokens"));
  const auto token = tokens.find(name);
  if (!token) return item.wrong("names a token that \"special_tokens\" does not have");
  VECMILL_TRY(token->only({"id", "ids", "tokens"}));
  VECMILL_ASSIGN(const JsonNode list, token->at("ids"));
  VECMILL_ASSIGN(const auto ids, list.items());
  std::vector<Item> special;
  for (const JsonNode& id_node : ids) {
    VECMILL_ASSIGN(const TokenId id, read_id(id_node));
    special.emplace_back(id);
  }
  return special;
}

Status apply_template(const JsonNode& node, Lists& lists) {
  VECMILL_TRY(node.only({"type", "single", "pair", "special_tokens"}));
  if (lists.size() > 2) return node.unsupported("a template behind one that gives three parts");
  VECMILL_ASSIGN(const JsonNode pieces, node.at(lists.size() == 1 ? "single" : "pair"));
  VECMILL_ASSIGN(const auto items, pieces.items());
  Lists out;
  for (const JsonNode& piece : items) {
    VECMILL_TRY(piece.only({"SpecialToken", "Sequence"}));
    if (const auto special = piece.find("SpecialToken")) {
      VECMILL_ASSIGN(auto ids, read_special(node, *special));
      out.push_back(std::move(ids));
      continue;
    }
    VECMILL_ASSIGN(const JsonNode sequence, piece.at("Sequence"));
    VECMILL_ASSIGN(const std::string_view name, sequence.string_at("id"));
    if (name != "A" && name != "B") return sequence.unsupported("a sequence other than A and B");
    const std::size_t index = name == "A" ? 0 : 1;
    if (index >= lists.size()) return sequence.wrong("is the second text where there is but one");
    out.push_back(lists[index]);
  }
  lists = std::move(out);
  return {};
}

/// Files that older versions wrote may lack the type.
std::string_view infer_type(const JsonNode& node) {
  if (node.find("processors")) return "Sequence";
  if (node.find("single")) return "TemplateProcessing";
  if (!node.find("sep")) return "ByteLevel";
  return node.find("trim_offsets") ? "RobertaProcessing" : "BertProcessing";
}

Status apply(const JsonNode& node, Lists& lists);

Status apply_sequence(const JsonNode& node, Lists& lists) {
  VECMILL_TRY(node.only({"type", "processors"}));
  VECMILL_ASSIGN(const JsonNode list, node.at("processors"));
  VECMILL_ASSIGN(const auto items, list.items());
  for (const JsonNode& item : items) VECMILL_TRY(apply(item, lists));
  return {};
}

Status apply(const JsonNode& node, Lists& lists) {
  if (!node.is_object()) return node.wrong("is not an object");
  VECMILL_ASSIGN(const std::string_view type, node.string_or("type", infer_type(node)));
  if (type == "TemplateProcessing") return apply_template(node, lists);
  if (type == "BertProcessing") return apply_bert(node, lists);
  if (type == "RobertaProcessing") return apply_roberta(node, lists);
  if (type == "Sequence") return apply_sequence(node, lists);
  if (type == "ByteLevel") {  // only moves offsets
    return node.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  }
  return node.unsupported("unknown post-processor \"" + std::string(type) + "\"");
}

}  // namespace

PostProcessor::PostProcessor(std::vector<Item> items)
    : items_(std::move(items)),
      special_tokens_(static_cast<std::size_t>(std::count_if(
          items_.begin(), items_.end(), [](const Item& item) { return item.has_value(); }))) {}

Result<PostProcessor> PostProcessor::from_json(const JsonNode& node) {
  Lists lists{{std::nullopt}};
  VECMILL_TRY(apply(node, lists));
  std::vector<Item> items;
  for (const auto& list : lists) items.insert(items.end(), list.begin(), list.end());
  return PostProcessor(std::move(items));
}

}  // namespace vecmill::tokenize
