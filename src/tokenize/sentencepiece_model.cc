#include "vecmill/tokenize/sentencepiece_model.h"

#include <cstring>
#include <optional>

#include "vecmill/base/utf8.h"

namespace vecmill::tokenize {
namespace {

/// One field of a protobuf message.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  ///< of a varint, or the bits of a fixed one
  std::string_view bytes;   ///< of a string or message
};

enum Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class MessageReader {
 public:
  explicit MessageReader(std::string_view message) : rest_(message) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }

  /// Nothing: the message is broken.
  std::optional<Field> next() {
    const auto key = varint();
    if (!key) return std::nullopt;
    Field field{.number = *key >> 3, .value = 0, .bytes = {}};
    switch (*key & 7) {
      case kVarint: return with_value(field, varint());
      case kFixed64: return with_value(field, fixed(8));
      case kFixed32: return with_value(field, fixed(4));
      case kBytes: {
        const auto size = varint();
        if (!size || *size > rest_.size()) return std::nullopt;
        field.bytes = rest_.substr(0, *size);
        rest_.remove_prefix(*size);
        return field;
      }
      default: return std::nullopt;
    }
  }

 private:
  static std::optional<Field> with_value(Field field, std::optional<std::uint64_t> value) {
    if (!value) return std::nullopt;
    field.value = *value;
    return field;
  }

  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::optional<std::uint64_t> fixed(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << 8 * i;
    }
    rest_.remove_prefix(size);
    return value;
  }

  std::string_view rest_;
};

/// Calls visit(field) for each field; false when the message is broken or visit says so.
template <class Visit>
bool each_field(std::string_view message, Visit&& visit) {
  MessageReader reader(message);
  while (!reader.done()) {
    const auto field = reader.next();
    if (!field || !visit(*field)) return false;
  }
  return true;
}

// Field numbers of sentencepiece_model.proto.
bool read_piece(std::string_view message, SentencePieceModel::Piece& piece) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2) {
      const auto bits = static_cast<std::uint32_t>(field.value);
      std::memcpy(&piece.score, &bits, sizeof bits);
    }
    if (field.number == 3) piece.type = static_cast<SentencePieceModel::Type>(field.value);
    return true;
  });
}

bool read_trainer(std::string_view message, SentencePieceModel& model) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 3) {
      model.algorithm = static_cast<SentencePieceModel::Algorithm>(field.value);
    }
    return true;
  });
}

bool read_normalizer(std::string_view message, SentencePieceModel& model) {
  return each_field(message, [&](const Field& field) {
    if (field.number == 2) model.charsmap = field.bytes;
    return true;
  });
}

}  // namespace

Result<SentencePieceModel> SentencePieceModel::parse(std::string_view proto,
                                                     const std::string& where) {
  const auto wrong = [&](std::string what) {
    return make_error(ErrorKind::kInvalidData, std::move(what), where, "download the file again");
  };
  SentencePieceModel model;
  const bool whole = each_field(proto, [&](const Field& field) {
    if (field.number == 1) return read_piece(field.bytes, model.pieces.emplace_back());
    if (field.number == 2) return read_trainer(field.bytes, model);
    return field.number != 3 || read_normalizer(field.bytes, model);
  });
  if (!whole) return wrong("is cut off or not a SentencePiece model");
  if (model.pieces.empty()) return wrong("has no pieces");
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (!is_valid_utf8(model.pieces[i].text)) {
      return wrong("piece " + std::to_string(i) + " is not UTF-8");
    }
    if (!(model.pieces[i].score - model.pieces[i].score == 0)) {
      return wrong("piece " + std::to_string(i) + " has a score that is no number");
    }
  }
  return model;
}

}  // namespace vecmill::tokenize
