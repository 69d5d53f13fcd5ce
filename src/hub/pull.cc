#include "vecmill/hub/pull.h"

#include <algorithm>
#include <array>
#include <map>
#include <system_error>
#include <utility>

#include "vecmill/base/percent.h"
#include "vecmill/hub/blob_hash.h"
#include "vecmill/hub/convert.h"
#include "vecmill/hub/fetch_file.h"
#include "vecmill/hub/file_selection.h"
#include "vecmill/hub/hub_client.h"
#include "vecmill/hub/hub_listing.h"
#include "vecmill/hub/store_layout.h"

namespace vecmill::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestListing = 64u << 20, kLargestModules = 1u << 20;

/// The commits that Vecmill is tested with.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPinned = {{
    {"sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"},
    {"sentence-transformers/all-mpnet-base-v2", "e8c3b32edf5434bc2275fc9bab85f82640a19130"},
    {"BAAI/bge-m3", "5617a9f61b028005a4858fdac845db406aefb181"},
}};

std::string revision_of(const PullOptions& options) {
  if (!options.revision.empty()) return options.revision;
  for (const auto& [name, commit] : kPinned) {
    if (name == options.name) return std::string(commit);
  }
  return "main";
}

/// A commit is what the plain name means from then on; a branch or tag has its own reference.
std::string reference_of(const std::string& revision) {
  return is_hex(revision, 40) ? "main" : revision;
}

/// The model in the store, if `commit` is one and every file that its lock lists is there in full.
std::optional<ModelEntry> find_complete(const Store& store, const std::string& name,
                                        const std::string& commit) {
  if (!is_hex(commit, 40)) return std::nullopt;
  const fs::path folder = models_folder(store.paths()) / repo_folder(name) / "snapshots" / commit;
  const auto lock = read_lock(folder);
  if (!lock) return std::nullopt;
  for (const LockedFile& file : lock->files) {
    std::error_code error;
    if (fs::file_size(folder / file.path, error) != file.bytes || error) return std::nullopt;
  }
  return ModelEntry{name, folder, commit, Origin::kStore};
}

class Pull {
 public:
  Pull(const Store& store, const PullOptions& options, Transport& transport)
      : store_(store),
        options_(options),
        hub_(options, transport),
        revision_(hub::revision_of(options)) {}

  Result<PullReport> run() {
    if (options_.hub.offline) return run_offline();
    if (auto there = find_complete(store_, options_.name, revision_)) {
      return take(std::move(*there));  // a commit never changes: no need to ask
    }
    VECMILL_TRY(list());
    report_.name = options_.name;
    report_.revision = listing_.commit;
    for (const ListedFile& file : chosen_) {
      report_.files.push_back({file.path, file.bytes, file.id, 0});
      report_.bytes += file.bytes;
    }
    if (options_.dry_run) return std::move(report_);
    if (auto there = find_complete(store_, options_.name, listing_.commit)) {
      return take(std::move(*there));
    }
    VECMILL_ASSIGN(Staging staging, Staging::begin(store_, options_.name));
    VECMILL_ASSIGN(std::vector<StagedFile> all, fetch_all(staging));
    VECMILL_TRY(convert_pickled(staging, all));
    std::sort(all.begin(), all.end(), [](const StagedFile& a, const StagedFile& b) {
      return a.locked.path < b.locked.path;
    });
    VECMILL_ASSIGN(report_.entry,
                   staging.publish({listing_.commit, reference_of(revision_),
                                    options_.hub.endpoint + "/" + options_.name, all}));
    return std::move(report_);
  }

 private:
  Result<PullReport> run_offline() {
    const Store& store = store_;
    auto entry = store.resolve(options_.name + (options_.revision.empty() ? "" : "@" + revision_));
    if (!entry) {
      return make_error(ErrorKind::kUnavailable, "is not on this machine, and this is offline",
                        options_.name, "leave out --offline, and unset HF_HUB_OFFLINE");
    }
    return report_stored(std::move(*entry));
  }

  /// What is there already becomes what the name means.
  Result<PullReport> take(ModelEntry entry) {
    if (!options_.dry_run) {
      VECMILL_ASSIGN(Staging staging, Staging::begin(store_, options_.name));
      VECMILL_TRY(staging.set_reference(reference_of(revision_), entry.revision));
      VECMILL_TRY(staging.clear());
    }
    return report_stored(std::move(entry));
  }

  Result<PullReport> report_stored(ModelEntry entry) const {
    PullReport report;
    report.name = entry.name;
    report.revision = entry.revision;
    if (const auto lock = read_lock(entry.folder)) {
      for (const LockedFile& file : lock->files) {
        report.files.push_back({file.path, file.bytes, file.sha256, 0});
        report.bytes += file.bytes;
      }
    }
    if (!options_.dry_run) report.entry = std::move(entry);
    return report;
  }

  Status list() {
    const std::string address = hub_.url("/api/models/" + percent_encode(options_.name, true) +
                                         "/revision/" + percent_encode(revision_, false));
    VECMILL_ASSIGN(const std::string json, hub_.get(address + "?blobs=true", kLargestListing));
    VECMILL_ASSIGN(listing_, parse_listing(json, options_.hub.endpoint));
    std::vector<std::string> paths, modules;
    for (const ListedFile& file : listing_.files) paths.push_back(file.path);
    if (listing_.find("modules.json") != nullptr) {
      VECMILL_ASSIGN(const std::string text, hub_.get(file_url("modules.json"), kLargestModules));
      VECMILL_ASSIGN(modules, parse_module_folders(text, "modules.json"));
    }
    for (const std::string& path : select_files(paths, modules)) {
      chosen_.push_back(*listing_.find(path));
    }
    for (ListedFile& file : chosen_) {
      if (!file.id.empty()) continue;
      VECMILL_ASSIGN(const ListedFile described, hub_.describe(file_url(file.path)));
      file.id = described.id;
      file.bytes = described.bytes;
    }
    if (std::any_of(chosen_.begin(), chosen_.end(),
                    [](const ListedFile& file) { return is_weights(file.path); })) {
      return {};
    }
    return make_error(ErrorKind::kNotFound,
                      "has neither model.safetensors nor pytorch_model.bin on the Hub",
                      options_.name, "choose another model or --revision");
  }

  [[nodiscard]] std::string file_url(const std::string& path) const {
    return hub_.url("/" + percent_encode(options_.name, true) + "/resolve/" + listing_.commit +
                    "/" + percent_encode(path, true));
  }

  Result<std::vector<StagedFile>> fetch_all(Staging& staging) {
    std::vector<StagedFile> all;
    std::map<std::string, StagedFile> by_blob;
    std::uint64_t bytes_before = 0;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const ListedFile& file = chosen_[i];
      const auto tell = [&](std::uint64_t bytes) {
        if (!options_.progress) return;
        options_.progress({file.path, i, chosen_.size(), bytes_before + bytes, report_.bytes});
      };
      auto same = by_blob.find(file.id);
      if (same == by_blob.end()) {
        VECMILL_ASSIGN(FetchedFile fetched,
                       fetch_file(hub_, staging, file_url(file.path), file, tell));
        report_.files[i].fetched = fetched.fetched;
        report_.fetched += fetched.fetched;
        same = by_blob.emplace(file.id, std::move(fetched.staged)).first;
      }
      all.push_back(same->second);
      all.back().locked.path = file.path;
      bytes_before += file.bytes;
      tell(0);
    }
    return all;
  }

  const Store& store_;
  const PullOptions& options_;
  HubClient hub_;
  const std::string revision_;
  HubListing listing_;
  std::vector<ListedFile> chosen_;
  PullReport report_;
};

}  // namespace

Result<PullReport> pull(const Store& store, const PullOptions& options, Transport& transport) {
  PullOptions whole = options;
  for (const auto& [name, commit] : kPinned) {
    if (bare_name(name) == options.name) whole.name = name;
  }
  VECMILL_TRY(check_model_name(whole.name));
  if (!whole.revision.empty()) VECMILL_TRY(check_revision(whole.revision));
  return Pull(store, whole, transport).run();
}

}  // namespace vecmill::hub
