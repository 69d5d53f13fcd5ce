#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "vecmill/base/check.h"

namespace vecmill {

/// For tests: until it ends, all files that SQLite opens in this process are written as ever, and
/// each write, cut, removal and sync is noted. `lose_power` then makes the files as a loss of power
/// at any moment may have left them: what was synced is there, and of what was not any part.
class LossyDisk {
 public:
  LossyDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    VECMILL_CHECK(current() == nullptr);
    current() = this;
    vfs_.zName = "lossy";
    vfs_.szOsFile += static_cast<int>(sizeof(File));
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    VECMILL_CHECK(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
  }
  ~LossyDisk() { end(); }
  LossyDisk(const LossyDisk&) = delete;
  LossyDisk& operator=(const LossyDisk&) = delete;

  /// Nothing is noted any more. All files that were opened meanwhile must be closed.
  void end() {
    if (current() != this) return;
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
    current() = nullptr;
  }

  /// How much was noted so far: a moment.
  [[nodiscard]] std::size_t now() const {
    const std::lock_guard lock(mutex_);
    return log_.size();
  }

  [[nodiscard]] std::size_t syncs() const {
    return static_cast<std::size_t>(std::ranges::count(log_, Event::kSync, &Note::event));
  }

  /// The files, in `folder`, after a loss of power at that moment. `seed` says what of the rest is
  /// kept: 0 nothing, 1 everything, others some of the sectors of each write.
  void lose_power(std::size_t moment, std::uint64_t seed,
                  const std::filesystem::path& folder) const {
    std::map<std::string, State> files;
    for (std::size_t i = 0; i < moment; ++i) {
      State& file = files[log_[i].file];
      if (log_[i].event == Event::kSync) {
        for (const Note* note : file.waiting) apply(*note, file.bytes);
        file.waiting.clear();
      } else if (log_[i].event == Event::kSyncFolder) {
        for (auto& [name, other] : files) forget_removed(other);
      } else {
        file.waiting.push_back(&log_[i]);
      }
    }
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    for (auto& [name, file] : files) {
      for (const Note* note : file.waiting) keep_some(*note, seed, random, file.bytes);
      const std::filesystem::path path = folder / name;
      std::ofstream(path, std::ios::binary)
          .write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
      std::filesystem::permissions(path, kPrivate);
    }
  }

 private:
  static constexpr std::size_t kSector = 512;
  /// With the first sync of a new one SQLite syncs the folder.
  static constexpr int kLogs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  static constexpr auto kPrivate =
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;

  enum class Event : std::uint8_t { kWrite, kCut, kRemove, kSync, kSyncFolder };
  struct Note {
    Event event;
    std::string file;
    std::size_t at = 0;
    std::string bytes = {};
  };
  struct State {
    std::string bytes;                 // that are safe
    std::vector<const Note*> waiting;  // for a sync
  };
  /// Behind it stands the real one.
  struct File {
    sqlite3_file base;
    std::string* name;
    bool is_new;
    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static LossyDisk*& current() {
    static LossyDisk* disk = nullptr;
    return disk;
  }

  void note(Note what) {
    const std::lock_guard lock(mutex_);
    log_.push_back(std::move(what));
  }

  static void apply(const Note& note, std::string& bytes) {
    if (note.event != Event::kWrite) return bytes.resize(std::min(note.at, bytes.size()));
    put(note, 0, note.bytes.size(), bytes);
  }

  /// What went before the last removal is gone for good.
  static void forget_removed(State& file) {
    const auto last =
        std::ranges::find(file.waiting.rbegin(), file.waiting.rend(), Event::kRemove, &Note::event);
    if (last == file.waiting.rend()) return;
    file.bytes.clear();
    file.waiting.erase(file.waiting.begin(), last.base());
  }

  static void put(const Note& note, std::size_t from, std::size_t count, std::string& bytes) {
    bytes.resize(std::max(bytes.size(), note.at + from + count));
    bytes.replace(note.at + from, count, note.bytes, from, count);
  }

  static void keep_some(const Note& note, std::uint64_t seed, std::mt19937_64& random,
                        std::string& bytes) {
    if (seed == 0) return;
    if (seed == 1 || note.event != Event::kWrite) {
      if (seed == 1 || random() % 2 == 0) apply(note, bytes);
      return;
    }
    for (std::size_t from = 0; from < note.bytes.size(); from += kSector) {
      if (random() % 2 == 0) continue;
      put(note, from, std::min(kSector, note.bytes.size() - from), bytes);
    }
  }

  static File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return of(file)->real(); }

  static int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* found) {
    LossyDisk& disk = *current();
    File* mine = of(file);
    mine->base.pMethods = nullptr;
    const int code = disk.real_->xOpen(disk.real_, path, mine->real(), flags, found);
    if (code != SQLITE_OK) return code;
    mine->name =
        new std::string(path == nullptr ? "" : std::filesystem::path(path).filename().string());
    mine->is_new = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kLogs) != 0;
    mine->base.pMethods = &kMethods;
    return code;
  }

  static int remove(sqlite3_vfs*, const char* path, int sync) {
    LossyDisk& disk = *current();
    const std::string name = std::filesystem::path(path).filename().string();
    disk.note({Event::kRemove, name});
    if (sync != 0) disk.note({Event::kSyncFolder, name});
    return disk.real_->xDelete(disk.real_, path, sync);
  }

  static int close(sqlite3_file* file) {
    delete of(file)->name;
    return real(file)->pMethods->xClose(real(file));
  }
  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    current()->note({Event::kWrite, *of(file)->name, static_cast<std::size_t>(at),
                     std::string(static_cast<const char*>(data), static_cast<std::size_t>(size))});
    return real(file)->pMethods->xWrite(real(file), data, size, at);
  }
  static int cut(sqlite3_file* file, sqlite3_int64 size) {
    current()->note({Event::kCut, *of(file)->name, static_cast<std::size_t>(size)});
    return real(file)->pMethods->xTruncate(real(file), size);
  }
  static int sync(sqlite3_file* file, int flags) {
    current()->note({Event::kSync, *of(file)->name});
    if (of(file)->is_new) current()->note({Event::kSyncFolder, *of(file)->name});
    of(file)->is_new = false;
    return real(file)->pMethods->xSync(real(file), flags);
  }

  /// A method that only passes on.
  template <auto Method>
  struct Pass;
  template <class... Args, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Args...)>
  struct Pass<Method> {
    static int call(sqlite3_file* file, Args... args) {
      return (real(file)->pMethods->*Method)(real(file), args...);
    }
  };
  static void barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }

  /// The second version: with shared memory for logs, without mapped files.
  static constexpr sqlite3_io_methods kMethods = {
      .iVersion = 2,
      .xClose = close,
      .xRead = Pass<&sqlite3_io_methods::xRead>::call,
      .xWrite = write,
      .xTruncate = cut,
      .xSync = sync,
      .xFileSize = Pass<&sqlite3_io_methods::xFileSize>::call,
      .xLock = Pass<&sqlite3_io_methods::xLock>::call,
      .xUnlock = Pass<&sqlite3_io_methods::xUnlock>::call,
      .xCheckReservedLock = Pass<&sqlite3_io_methods::xCheckReservedLock>::call,
      .xFileControl = Pass<&sqlite3_io_methods::xFileControl>::call,
      .xSectorSize = Pass<&sqlite3_io_methods::xSectorSize>::call,
      .xDeviceCharacteristics = Pass<&sqlite3_io_methods::xDeviceCharacteristics>::call,
      .xShmMap = Pass<&sqlite3_io_methods::xShmMap>::call,
      .xShmLock = Pass<&sqlite3_io_methods::xShmLock>::call,
      .xShmBarrier = barrier,
      .xShmUnmap = Pass<&sqlite3_io_methods::xShmUnmap>::call,
      .xFetch = nullptr,
      .xUnfetch = nullptr};

  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  mutable std::mutex mutex_;
  std::vector<Note> log_;
};

}  // namespace vecmill
