#include "vecmill/source/qdrant_source.h"

#include <algorithm>
#include <utility>

#include "vecmill/source/field_names.h"

namespace vecmill::source {
namespace {

constexpr std::size_t kMostPoints = 256;
constexpr std::size_t kPageBytes = 4 << 20;
constexpr std::string_view kPositionPrefix = "after ";

bool is_text(const qdrant::Point& point) { return !point.record; }

/// The field of texts, by the names in the first point.
Result<std::string> find_text_field(qdrant::Client& client, const std::string& named) {
  VECMILL_ASSIGN(const qdrant::Page page, client.scroll({}, 2, {}));
  const auto first = std::ranges::find_if(page.points, is_text);
  if (first == page.points.end()) {
    return make_error(ErrorKind::kInvalidData, "holds no point", client.url().shown);
  }
  if (!named.empty()) return named;
  VECMILL_ASSIGN(const Fields fields, choose_fields(first->fields, {{}, {}}, client.url().shown));
  return fields.text;
}

}  // namespace

QdrantSource::QdrantSource(qdrant::Client client, std::string text_field, std::uint64_t total)
    : client_(std::move(client)), text_field_(std::move(text_field)), total_(total) {}

Result<std::unique_ptr<QdrantSource>> QdrantSource::open(const qdrant::Url& url,
                                                         const std::string& text_field) {
  VECMILL_ASSIGN(qdrant::Client client, qdrant::Client::open(url));
  VECMILL_ASSIGN(const auto collection, client.describe());
  if (!collection) {
    return make_error(ErrorKind::kNotFound, "there is no collection " + url.collection, url.shown);
  }
  VECMILL_ASSIGN(std::string field,
                 find_text_field(client, url.text.empty() ? text_field : url.text));
  VECMILL_ASSIGN(const std::uint64_t total, client.count());
  return std::unique_ptr<QdrantSource>(
      new QdrantSource(std::move(client), std::move(field), total));
}

Status QdrantSource::take(const qdrant::Point& point) {
  if (point.record || point.id == resume_) return {};
  if (point.odd_text) {
    return make_error(ErrorKind::kInvalidData,
                      "the point " + point.id + " has a \"" + text_field_ + "\" that is no text",
                      client_.url().shown, "mend it, or name another field with text=");
  }
  if (!point.text) return {};
  page_.push_back(
      {{point.own_id.empty() ? point.id : point.own_id, *point.text, point.metadata}, point.id});
  return {};
}

/// Pages of about the same size, however long the texts are.
Status QdrantSource::read_page() {
  page_.clear();
  at_ = 0;
  auto page = client_.scroll(next_, limit_, text_field_);
  while (!page && page.error().kind == ErrorKind::kTooLong && limit_ > 1) {
    limit_ /= 2;
    page = client_.scroll(next_, limit_, text_field_);
  }
  if (!page) return std::move(page).error();
  std::size_t bytes = 1;
  for (const qdrant::Point& point : page->points) {
    bytes += point.metadata.size() + (point.text ? point.text->size() : 0);
    VECMILL_TRY(take(point));
  }
  limit_ = std::clamp(page->points.size() * kPageBytes / bytes, std::size_t{1}, kMostPoints);
  ended_ = page->next.empty();
  next_ = std::move(page->next);
  return {};
}

Error QdrantSource::no_text() const {
  return make_error(ErrorKind::kInvalidData,
                    "no point has a field \"" + text_field_ + "\" with a text", client_.url().shown,
                    "name the field of texts with text=");
}

Result<std::vector<Record>> QdrantSource::next(std::size_t count) {
  std::vector<Record> records;
  while (records.size() < count) {
    if (at_ == page_.size()) {
      if (ended_) break;
      VECMILL_TRY(read_page());
      if (ended_ && page_.empty() && last_.empty() && records.empty()) return no_text();
      continue;
    }
    last_ = page_[at_].point;
    records.push_back(std::move(page_[at_++].record));
  }
  return records;
}

std::string QdrantSource::position() const {
  return last_.empty() ? std::string() : std::string(kPositionPrefix) + last_;
}

Status QdrantSource::seek(const std::string& position) {
  if (!position.empty() && !position.starts_with(kPositionPrefix)) {
    return make_error(ErrorKind::kMismatch, "the input is not the one of the interrupted run",
                      client_.url().shown, "give the same input, or start over");
  }
  page_.clear();
  at_ = 0;
  ended_ = false;
  last_ = position.empty() ? std::string() : position.substr(kPositionPrefix.size());
  next_ = resume_ = last_;
  return {};
}

}  // namespace vecmill::source
