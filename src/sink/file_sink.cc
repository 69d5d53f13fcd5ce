#include "vecmill/sink/file_sink.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "vecmill/base/check.h"
#include "vecmill/base/failpoint.h"
#include "vecmill/sink/npy.h"
#include "vecmill/sink/output_paths.h"
#include "vecmill/sink/row_text.h"

namespace vecmill::sink {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFlushBytes = std::size_t{1} << 20;

fs::path partial(const fs::path& path) { return path.string() + ".partial"; }

/// One of the growing files, with what is not yet written.
struct Part {
  fs::path path;
  std::unique_ptr<WritableFile> file;
  std::uint64_t size = 0;  ///< written and waiting
  std::string waiting;
  bool unsynced = false;

  Status flush() {
    if (waiting.empty()) return {};
    unsynced = true;
    VECMILL_TRY(file->append(waiting));
    waiting.clear();
    return {};
  }

  Status sync() {
    VECMILL_TRY(flush());
    if (!unsynced) return {};
    VECMILL_TRY(file->sync());
    unsynced = false;
    return {};
  }
};

class FileSink : public Sink {
 public:
  FileSink(const fs::path& out, Identity identity, FileSystem& files)
      : files_(files),
        paths_(output_paths(out)),
        npy_(out.extension() == ".npy"),
        half_(identity.store == "f16"),
        checkpoint_path_(out.string() + ".checkpoint") {
    state_.identity = std::move(identity);
    if (npy_) {
      add_parts({paths_.out, paths_.ids, paths_.records, paths_.failed});
    } else {
      add_parts({paths_.out, paths_.failed});
    }
  }

  /// A run that ends before its first commit leaves nothing behind.
  ~FileSink() override {
    if (!discard_) return;
    for (const Part& part : parts_) (void)files_.remove(partial(part.path));
  }

  /// Takes the lock and brings the files to a state from which rows can be written.
  Status open(bool resume, Opened& opened) {
    VECMILL_ASSIGN(lock_, files_.lock(paths_.out.string() + ".lock"));
    VECMILL_ASSIGN(const bool interrupted, files_.exists(checkpoint_path_));
    if (interrupted) {
      VECMILL_ASSIGN(const bool stale, load_checkpoint());
      if (!stale) return resume_from_checkpoint(resume, opened);
      VECMILL_TRY(files_.remove(checkpoint_path_));
    }
    VECMILL_ASSIGN(const bool complete, check_existing(resume));
    opened.complete = complete;
    return complete ? Status() : start();
  }

  Status write(std::span<const OutputRow> rows) override {
    for (const OutputRow& row : rows) {  // one may have megabytes of token vectors
      add(row);
      for (Part& part : parts_) {
        if (part.waiting.size() >= kFlushBytes) VECMILL_TRY(part.flush());
      }
    }
    failpoint("sink.write");
    return {};
  }

  Status commit(const std::string& position) override {
    for (Part& part : parts_) VECMILL_TRY(part.sync());
    failpoint("sink.commit");
    state_.position = position;
    discard_ = false;
    return save_checkpoint();
  }

  Status finish() override {
    if (npy_) {
      const NpyShape shape{state_.counts.rows, state_.identity.info.dims, half_, kNpyHeaderBytes};
      VECMILL_TRY(parts_.front().flush());
      parts_.front().unsynced = true;
      VECMILL_TRY(parts_.front().file->write_at(0, npy_header(shape)));
    }
    VECMILL_ASSIGN(auto meta, files_.create(partial(paths_.meta)));
    VECMILL_TRY(meta->append(meta_text(state_.identity, state_.counts)));
    VECMILL_TRY(meta->sync());
    state_.finished = true;
    VECMILL_TRY(files_.sync_dir(folder_of(paths_.out)));
    VECMILL_TRY(commit(state_.position));
    failpoint("sink.finish");
    return publish();
  }

  [[nodiscard]] const Checkpoint& state() const { return state_; }

 private:
  void add_parts(std::initializer_list<fs::path> paths) {
    for (const fs::path& path : paths) parts_.push_back({path, nullptr, 0, {}, false});
  }

  void add(const OutputRow& row) {
    if (row.error) {
      put(parts_.back(), [&](std::string& out) { append_failed_line(out, row); });
      ++state_.counts.failed;
      return;
    }
    const SpaceInfo& info = state_.identity.info;
    VECMILL_CHECK(row.vector.size() == (info.outputs.dense ? info.dims : 0));
    VECMILL_CHECK(row.degraded.empty() || !npy_);  // there is no place for the mark
    ++state_.counts.rows;
    if (!row.degraded.empty()) ++state_.counts.degraded;
    if (row.truncated_tokens > 0) ++state_.counts.truncated;
    if (npy_) {
      put(parts_[0], [&](std::string& out) { append_vector_bytes(out, row.vector, half_); });
      put(parts_[1], [&](std::string& out) { append_id_line(out, row); });
      put(parts_[2], [&](std::string& out) { append_record_line(out, row); });
    } else {
      put(parts_[0], [&](std::string& out) { append_vector_line(out, row, info, half_); });
    }
  }

  template <class Append>
  static void put(Part& part, Append append) {
    const std::size_t before = part.waiting.size();
    append(part.waiting);
    part.size += part.waiting.size() - before;
  }

  Status save_checkpoint() {
    state_.sizes.clear();
    for (const Part& part : parts_) state_.sizes.push_back(part.size);
    return atomic_write(files_, checkpoint_path_, to_text(state_));
  }

  /// True when the checkpoint belongs to an output that was finished and has since been removed.
  Result<bool> load_checkpoint() {
    VECMILL_ASSIGN(const std::string text, files_.read(checkpoint_path_));
    VECMILL_ASSIGN(Checkpoint found, parse_checkpoint(text, checkpoint_path_.string()));
    VECMILL_TRY(check_same(found.identity, state_.identity, paths_.out.string()));
    if (found.sizes.size() != parts_.size()) {
      return make_error(ErrorKind::kInvalidData, "belongs to another kind of output",
                        checkpoint_path_.string());
    }
    VECMILL_ASSIGN(const bool has_partial, files_.exists(partial(paths_.out)));
    VECMILL_ASSIGN(const bool has_out, files_.exists(paths_.out));
    found.identity = state_.identity;
    state_ = std::move(found);
    const bool stale = state_.finished && !has_partial && !has_out;
    if (stale) state_ = Checkpoint{state_.identity, {}, false, {}, {}};
    return stale;
  }

  Status resume_from_checkpoint(bool resume, Opened& opened) {
    if (!resume) {
      return make_error(
          ErrorKind::kInvalidArgument,
          "an interrupted run is here, " + std::to_string(state_.counts.rows) + " rows are done",
          paths_.out.string(),
          "go on with --resume, or remove " + checkpoint_path_.string() + " to start over");
    }
    opened.rows_done = state_.counts.rows;
    opened.rows_failed = state_.counts.failed;
    if (state_.finished) {
      opened.complete = true;
      return publish();
    }
    opened.position = state_.position;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      parts_[i].size = state_.sizes[i];
      parts_[i].unsynced = true;  // it is cut to its size
      VECMILL_ASSIGN(parts_[i].file, files_.reopen(partial(parts_[i].path), state_.sizes[i]));
    }
    return {};
  }

  /// No checkpoint: nothing may stand under a final name, except a complete output when resuming,
  /// for which it is true.
  Result<bool> check_existing(bool resume) {
    std::vector<fs::path> finals = {paths_.out, paths_.meta};
    for (const Part& part : parts_) finals.push_back(part.path);
    VECMILL_ASSIGN(const bool has_out, files_.exists(paths_.out));
    VECMILL_ASSIGN(const bool has_meta, files_.exists(paths_.meta));
    if (has_out && has_meta) {
      VECMILL_ASSIGN(const std::string text, files_.read(paths_.meta));
      VECMILL_ASSIGN(const Meta meta, parse_meta(text, paths_.meta.string()));
      VECMILL_TRY(check_same(meta.identity, state_.identity, paths_.out.string()));
      state_.counts = meta.counts;
      if (resume) return true;
      return make_error(ErrorKind::kInvalidArgument,
                        "is already complete, with " + std::to_string(meta.counts.rows) + " rows",
                        paths_.out.string(), "choose another output, or remove it first");
    }
    for (const fs::path& path : finals) {
      VECMILL_ASSIGN(const bool exists, files_.exists(path));
      if (!exists) continue;
      return make_error(ErrorKind::kInvalidArgument, "exists and is not of a run that can go on",
                        path.string(), "choose another output, or remove it first");
    }
    return false;
  }

  Status start() {
    discard_ = true;
    for (Part& part : parts_) {
      VECMILL_ASSIGN(part.file, files_.create(partial(part.path)));
    }
    if (npy_) {
      parts_[0].waiting = npy_header({0, state_.identity.info.dims, half_, kNpyHeaderBytes});
      parts_[0].size = kNpyHeaderBytes;
    }
    return files_.sync_dir(folder_of(paths_.out));
  }

  /// Gives everything its final name, the output itself last. Begins anywhere: what has its name
  /// already is left alone.
  Status publish() {
    std::vector<fs::path> order = {paths_.meta};
    for (const Part& part : parts_) order.push_back(part.path);
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    for (const fs::path& path : order) {
      VECMILL_ASSIGN(const bool waits, files_.exists(partial(path)));
      if (waits) VECMILL_TRY(files_.rename(partial(path), path));
    }
    VECMILL_TRY(files_.sync_dir(folder_of(paths_.out)));
    return files_.remove(checkpoint_path_);
  }

  FileSystem& files_;
  OutputPaths paths_;
  bool npy_;
  bool half_;
  fs::path checkpoint_path_;
  Checkpoint state_;
  std::vector<Part> parts_;  ///< the output first, the failed last
  std::unique_ptr<FileLock> lock_;
  bool discard_ = false;  ///< what is on disk is of this run, and nothing of it is committed
};

}  // namespace

Result<Opened> open_file_sink(const fs::path& out, const Identity& identity,
                              const SinkOptions& options) {
  FileSystem& files = options.files != nullptr ? *options.files : real_files();
  auto sink = std::make_unique<FileSink>(out, identity, files);
  Opened opened;
  VECMILL_TRY(sink->open(options.resume, opened));
  opened.rows_done = sink->state().counts.rows;
  opened.rows_failed = sink->state().counts.failed;
  if (!opened.complete) opened.sink = std::move(sink);
  return opened;
}

}  // namespace vecmill::sink
