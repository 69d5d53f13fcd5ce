#include "vecmill/hub/torch_file.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "vecmill/base/json_text.h"

namespace vecmill::hub {
namespace {

constexpr std::uint64_t kLargestPickle = 64u << 20;
constexpr std::uint64_t kLargestNote = 64;
constexpr std::size_t kPiece = 1 << 18;
/// Tensors may share numbers (tied weights); a file that makes more of them than this wants harm.
constexpr std::uint64_t kMostSharing = 4;
constexpr char kWayOut[] = "save the weights as safetensors where they come from";

Error bad(const std::string& where, std::string what) {
  return make_error(ErrorKind::kInvalidData, std::move(what), where, kWayOut);
}

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

std::uint64_t element_count(const PickledTensor& tensor) {  // checked when the file was opened
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::uint64_t{1},
                         std::multiplies<>());
}

bool is_contiguous(const PickledTensor& tensor) {
  std::uint64_t expected = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected) return false;
    expected *= tensor.shape[d];
  }
  return true;
}

/// One past the last element of the storage that the tensor touches; false on overflow.
bool find_extent(const PickledTensor& tensor, std::uint64_t& extent) {
  extent = 0;
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0u) != tensor.shape.end()) return true;
  extent = tensor.offset;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    std::uint64_t step = 0;
    if (!multiply(tensor.shape[d] - 1, tensor.strides[d], step) ||
        __builtin_add_overflow(extent, step, &extent)) {
      return false;
    }
  }
  return !__builtin_add_overflow(extent, std::uint64_t{1}, &extent);
}

Result<const ZipEntry*> find_pickle(const ZipReader& zip, const std::string& where) {
  const ZipEntry* found = nullptr;
  for (const ZipEntry& entry : zip.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash == std::string::npos || entry.name.substr(slash) != "/data.pkl") continue;
    if (found != nullptr) return bad(where, "holds more than one data.pkl");
    found = &entry;
  }
  if (found == nullptr) return bad(where, "is a zip archive without a data.pkl, no torch file");
  return found;
}

Status check_byte_order(const ZipReader& zip, const std::string& root, const std::string& where) {
  const ZipEntry* entry = zip.find(root + "byteorder");
  if (entry == nullptr) return {};
  VECMILL_ASSIGN(const std::string order, zip.read(*entry, kLargestNote));
  if (order == "little") return {};
  return make_error(ErrorKind::kUnsupported, "its byte order is not little-endian", where, kWayOut);
}

std::string safetensors_header(const std::vector<const PickledTensor*>& tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::uint64_t offset = 0;
  for (const PickledTensor* tensor : tensors) {
    header += ',';
    append_json_string(header, tensor->name);
    header += R"(:{"dtype":")" + tensor->dtype + R"(","shape":[)";
    for (std::size_t d = 0; d < tensor->shape.size(); ++d) {
      header += (d == 0 ? "" : ",") + std::to_string(tensor->shape[d]);
    }
    const std::uint64_t end = offset + element_count(*tensor) * element_bytes(tensor->dtype);
    header += R"(],"data_offsets":[)" + std::to_string(offset) + "," + std::to_string(end) + "]}";
    offset = end;
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  return header;
}

}  // namespace

Result<TorchFile> TorchFile::open(std::span<const std::byte> file, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("version https://git-lfs")) {
    return bad(where, "is a Git LFS pointer, not the weights; fetch them with 'git lfs pull'");
  }
  if (!text.starts_with("PK\x03\x04")) {
    return make_error(ErrorKind::kUnsupported,
                      "is no file of torch 1.6 or later (those are zip archives)", where, kWayOut);
  }
  VECMILL_ASSIGN(ZipReader zip, ZipReader::open(file, where));
  TorchFile torch(std::move(zip));
  VECMILL_ASSIGN(const ZipEntry* pickle, find_pickle(torch.zip_, where));
  torch.root_ = pickle->name.substr(0, pickle->name.find('/') + 1);
  VECMILL_TRY(check_byte_order(torch.zip_, torch.root_, where));
  VECMILL_ASSIGN(const std::string program, torch.zip_.read(*pickle, kLargestPickle));
  VECMILL_ASSIGN(torch.tensors_, read_state_dict(program, where));
  std::uint64_t total = 0;
  std::set<std::string> checked;
  for (const PickledTensor& tensor : torch.tensors_) {
    VECMILL_TRY(torch.check(tensor, where));
    if (checked.insert(tensor.storage).second) {
      VECMILL_TRY(torch.zip_.check(*torch.numbers_of(tensor)));
    }
    total += element_count(tensor) * element_bytes(tensor.dtype);
    if (total / kMostSharing > file.size()) {
      return bad(where, "its tensors are far larger than the file: the same numbers many times");
    }
  }
  return torch;
}

const ZipEntry* TorchFile::numbers_of(const PickledTensor& tensor) const {
  return zip_.find(root_ + "data/" + tensor.storage);
}

Status TorchFile::check(const PickledTensor& tensor, const std::string& where) const {
  const std::string label = "tensor '" + tensor.name + "'";
  if (tensor.storage.empty() || tensor.storage.find('/') != std::string::npos) {
    return bad(where, label + " lies in a file with an impossible name");
  }
  const ZipEntry* entry = numbers_of(tensor);
  if (entry == nullptr) return bad(where, "the numbers of " + label + " are missing");
  VECMILL_ASSIGN(const auto numbers, zip_.stored(*entry));
  const std::uint64_t size = element_bytes(tensor.dtype);
  std::uint64_t claimed = 0;
  if (!multiply(tensor.storage_elements, size, claimed) || claimed != numbers.size()) {
    return bad(where, "the numbers of " + label + " have another length than the pickle says");
  }
  std::uint64_t count = size;
  for (const std::uint64_t extent : tensor.shape) {
    if (!multiply(count, extent, count)) return bad(where, label + " is impossibly large");
  }
  if (count / kMostSharing > numbers.size()) {
    return bad(where, label + " is far larger than its numbers");
  }
  std::uint64_t extent = 0;
  if (!find_extent(tensor, extent) || extent > tensor.storage_elements) {
    return bad(where, label + " reaches beyond its numbers");
  }
  return {};
}

Status TorchFile::read(const PickledTensor& tensor,
                       const std::function<Status(std::string_view)>& sink) const {
  VECMILL_ASSIGN(const auto numbers, zip_.stored(*numbers_of(tensor)));
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), numbers.size());
  const std::uint64_t size = element_bytes(tensor.dtype);
  const std::uint64_t count = element_count(tensor);
  if (count == 0) return {};
  if (is_contiguous(tensor)) return sink(bytes.substr(tensor.offset * size, count * size));

  std::string piece;
  std::vector<std::uint64_t> index(tensor.shape.size(), 0);
  std::uint64_t from = tensor.offset;
  for (std::uint64_t i = 0; i < count; ++i) {
    piece += bytes.substr(from * size, size);
    if (piece.size() >= kPiece || i + 1 == count) {
      VECMILL_TRY(sink(piece));
      piece.clear();
    }
    for (std::size_t d = index.size(); d-- > 0;) {  // the last index runs fastest
      from += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) break;
      from -= tensor.strides[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
  return {};
}

Status convert_to_safetensors(std::span<const std::byte> torch_file, const std::string& where,
                              const std::function<Status(std::string_view)>& sink) {
  VECMILL_ASSIGN(const TorchFile torch, TorchFile::open(torch_file, where));
  std::vector<const PickledTensor*> order;
  for (const PickledTensor& tensor : torch.tensors()) order.push_back(&tensor);
  // Large elements first keeps every tensor aligned to its element.
  std::sort(order.begin(), order.end(), [](const PickledTensor* a, const PickledTensor* b) {
    const std::uint64_t size_a = element_bytes(a->dtype);
    const std::uint64_t size_b = element_bytes(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  const std::string header = safetensors_header(order);
  const std::uint64_t header_size = header.size();
  VECMILL_TRY(sink({reinterpret_cast<const char*>(&header_size), sizeof header_size}));
  VECMILL_TRY(sink(header));
  for (const PickledTensor* tensor : order) VECMILL_TRY(torch.read(*tensor, sink));
  return {};
}

}  // namespace vecmill::hub
