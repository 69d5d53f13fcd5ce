#include "vecmill/cli/flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "vecmill/base/suggest.h"
#include "vecmill/cli/quantity.h"
#include "vecmill/cli/words.h"

namespace vecmill::cli {
namespace {

using enum FlagKind;

constexpr std::uint32_t kMostRate = 4'000'000'000;

constexpr auto kFlags = std::to_array<Flag>({
    // Settings: also VECMILL_* and configuration files.
    {"model", kText, "M", "", "all-MiniLM-L6-v2",
     "folder, org/name, bare name of a stored model, PROVIDER:NAME of a remote one "
     "(voyage:voyage-code-3), or builtin:hash",
     true},
    {"role", kChoice, "R", "document|query|none", "document",
     "which of the model's prompts stands before each text", true},
    {"dims", kCount, "N", "", "0", "keep the first N components (Matryoshka); 0: all", true},
    {"truncate", kChoice, "T", "end|start|error", "end",
     "where a text that is too long is cut; error: such a text fails", true},
    {"empty", kChoice, "E", "embed|skip|fail", "embed", "what becomes of blank texts", true},
    {"batch-size", kCount, "N", "", "0", "texts at a time, to an API too; 0: chosen by tokens",
     true},
    {"device", kText, "D", "", "cpu", "where to compute; cpu is what there is", true},
    {"outputs", kText, "LIST", "", "dense",
     "what to make of each text: dense, sparse, multivector, with commas between", true},
    {"dtype", kChoice, "A", "auto|f32|bf16|int8|int8-compact", "auto",
     "arithmetic of the products; auto: that of the output to go on with, else bf16 where it is"
     " found to be faster and as exact, else f32",
     true},
    {"max-seq-length", kCount, "N", "", "0", "tokens per text; 0: the model's own limit", true},
    {"store", kChoice, "F", "f32|f16", "f32", "number format of the vectors in the output", true},
    {"threads", kCount, "N", "", "0", "compute threads; 0: one per core", true, 0, 1024},
    {"max-memory", kBytes, "SIZE", "", "0",
     "what a local model may take, word embeddings not counted; 0: what this process may use",
     true},
    {"id-field", kText, "F", "", "", "field that holds the id; empty: found by itself", true},
    {"text-field", kText, "F", "", "", "field that holds the text; empty: found by itself", true},
    {"format", kChoice, "F", "txt|jsonl|csv|tsv", "", "of the input; empty: by its extension",
     true},
    {"progress", kChoice, "P", "auto|bar|plain|none", "auto", "how progress is shown", true},
    {"offline", kSwitch, "", "", "", "never touch the network", true},
    {"home", kText, "DIR", "", "", "folder of models and packed files", true},
    {"isa", kChoice, "I", "portable|avx2|avx2_vnni|avx512|avx512_vnni|avx512_bf16|amx", "",
     "instruction set; empty: the best", true},
    {"cache", kSwitch, "", "", "",
     "keep the vectors and find those of earlier runs; not said: for servers only", true, 0, 0,
     "cache.enabled"},
    {"cache-path", kText, "FILE", "", "", "of the cache; empty: cache/vectors.db in --home", true,
     0, 0, "cache.path"},
    {"cache-max-size", kBytes, "SIZE", "", "10GB", "what the cache may take on the disk", true, 0,
     0, "cache.max_size"},
    {"cache-memory", kBytes, "SIZE", "", "0",
     "of vectors kept in this process, before the file is asked; 0: none", true, 0, 0,
     "cache.memory_size"},
    {"cache-ttl", kAge, "AGE", "", "",
     "when a vector is made anew; 0: never; empty: after 7d from a server, 30d from a local model",
     true, 0, 0, "cache.ttl"},
    {"cache-key-file", kText, "FILE", "", "",
     "encrypt the cache; 64 hexadecimal digits stand in this file", true, 0, 0, "cache.key_file"},
    {"cache-key-env", kText, "NAME", "", "", "or in this variable", true, 0, 0, "cache.key_env"},
    {"max-cost", kText, "USD", "", "",
     "dollars that a run may spend at most; empty: no limit but the budgets", true},
    {"daily-budget", kText, "USD", "", "", "dollars a day (UTC) of all runs; empty: no limit", true,
     0, 0, "budget.day"},
    {"monthly-budget", kText, "USD", "", "", "dollars a month of all runs; empty: no limit", true,
     0, 0, "budget.month"},
    {"price", kText, "USD", "", "", "of a million tokens, for a model whose price is not known",
     true},
    {"prices", kText, "FILE", "", "", "prices beside those that are built in", true},
    {"ledger", kText, "PLACE", "", "",
     "record of what was spent: a file, or postgres://... for several hosts; empty: ledger.db in "
     "--home",
     true},
    {"shared", kText, "URL", "", "",
     "share vectors and limits with other processes: redis://host:6379/0, rediss:// with TLS, "
     "unix:///path, postgres://host/database",
     true, 0, 0, "", "redis"},
    {"redis-password-env", kText, "NAME", "", "", "variable that holds the password of Redis",
     true},
    {"redis-ca-file", kText, "FILE", "", "", "whom TLS trusts; empty: whom the system trusts",
     true},
    {"shared-cache-only", kSwitch, "", "", "", "share vectors, but no limits", true, 0, 0, "",
     "redis-cache-only"},
    {"shared-cache-size", kBytes, "SIZE", "", "10GB",
     "what vectors may take in a PostgreSQL that is shared, about", true},
    {"tag", kText, "K=V", "", "",
     "for reports of costs; several with commas between: project=search,user=ann", true},
    {"fallback", kText, "LIST", "", "",
     "models of the same space to ask when the model's server is out, with commas between", true},
    {"same-space", kSwitch, "", "", "",
     "those of --fallback are the same weights elsewhere; it is proved before they are used", true},
    {"fallback-after", kAge, "AGE", "", "30s", "wait so long before the next one is asked", true},
    {"patience", kAge, "AGE", "", "10m", "wait so long for servers that are out: 2h", true},
    {"tag-field", kText, "F", "", "",
     "field whose value is a tag of what its text costs; several with commas between", true},
    {"tenant", kText, "T", "", "",
     "whose work it is: in reports and budgets; what is cached for one is found for no other",
     true},
    {"alert-webhook", kText, "URL", "", "",
     "is told when a budget is nearly used up, or stops a run", true},
    {"alert-secret-env", kText, "NAME", "", "",
     "variable with the secret that signs what it is told", true},
    {"alert-progress", kAge, "AGE", "", "",
     "tell the alert webhook so often how far a run is, and how it ended: 10m; empty: not", true},
    {"storage-price", kText, "USD", "", "",
     "of a gigabyte a month where vectors are kept, for `cost advice`", true},
    {"queue", kText, "PLACE", "", "", "where jobs wait: FILE.db, postgres://... or redis://...",
     true},
    // Flags of single commands.
    {"watch", kSwitch, "", "", "",
     "stay, and embed what is new or changed, until Ctrl-C or SIGTERM"},
    {"poll", kAge, "AGE", "", "10s",
     "with --watch: look so often where nothing tells of changes; leave a server that is out alone "
     "for so long at most"},
    {"requests-per-minute", kCount, "N", "", "", "of an API at most; empty: as its tier allows",
     false, 0, kMostRate},
    {"tokens-per-minute", kCount, "N", "", "", "the same", false, 0, kMostRate},
    {"in-flight", kCount, "N", "", "", "requests to an API at once; empty: 5", false, 0, 1000},
    {"request-timeout", kCount, "SECONDS", "", "",
     "what a request may take at most; empty: up to 60, to a server of one's own 120", false, 0,
     3600},
    {"online", kSwitch, "", "", "", "look at models behind APIs, too"},
    {"degraded", kText, "M", "", "",
     "when all servers are out, rows of this local model, each marked; for a .jsonl"},
    {"no-cache", kSwitch, "", "", "", "leave the cache alone"},
    {"older-than", kAge, "AGE", "", "30d", "remove what was put that long ago: 7d, 12h"},
    {"max-size", kBytes, "SIZE", "", "", "then remove the least used: 5GB"},
    {"out", kText, "OUT", "", "",
     ".npy, .jsonl, .db, postgres://...?table=T, qdrant://...; of `jobs`: .db or postgres://",
     false, 'o'},
    {"create", kSwitch, "", "", "", "make what is missing: table, column, extension, collection"},
    {"create-index", kChoice, "I", "hnsw", "",
     "of PostgreSQL, over the vectors, made after the last one"},
    {"whole-file", kSwitch, "", "", "", "a .txt file is one text, not one a line"},
    {"resume", kSwitch, "", "", "", "go on where an interrupted run stopped"},
    {"dry-run", kSwitch, "", "", "", "count and say what would be done, do nothing"},
    {"index", kText, "X", "", "", "an output of embed: a file or qdrant://..."},
    {"mode", kChoice, "M", "dense|sparse|multivector|hybrid", "",
     "how to compare; empty: dense where the index has it", false},
    {"top", kCount, "K", "", "10", "how many answers", false, 'k'},
    {"ids-only", kSwitch, "", "", "", "ids separated by spaces, one line a text"},
    {"name", kText, "N", "", "", "what the model is called in the store"},
    {"revision", kText, "R", "", "",
     "branch, tag or commit; empty: the pinned commit of a known model, else main"},
    {"models", kText, "LIST", "", "", "models to compare, with commas between"},
    {"by", kText, "LIST", "", "day",
     "day, week, month, provider, model, tenant, run, tag, tag:KEY, project, user, category; of "
     "`dead ls`: cause or job"},
    {"from", kText, "DAY", "", "", "the first day, 2026-11-21; empty: of the record"},
    {"to", kText, "DAY", "", "", "the day behind the last one; empty: until now"},
    {"csv", kSwitch, "", "", "", "print CSV"},
    {"priority", kChoice, "P", "low|normal|high|urgent", "normal",
     "a class goes before what the one below it was given less than an hour earlier"},
    {"job-size", kCount, "N", "", "1000", "texts of a job, at most", false, 0, 100'000},
    {"attempts", kCount, "N", "", "3", "how often a job may fail before it is dead", false, 0, 100},
    {"inline", kSwitch, "", "", "", "put the texts into the queue, not the place where they are"},
    {"group", kText, "NAME", "", "", "what the jobs are called together; empty: made up"},
    {"cause", kText, "C", "", "", "only jobs that died of this: too_long"},
    {"lease", kAge, "AGE", "", "60s", "how long a worker may give no sign of life"},
    {"retry-delay", kAge, "AGE", "", "30s",
     "before the second attempt; four times that before each next"},
    {"drain", kSwitch, "", "", "", "end when nothing waits and nothing is under way"},
    {"origin", kSwitch, "", "", "", "say where each value comes from"},
    {"against", kChoice, "A", "f32", "",
     "verify: how close the arithmetics that the model was used in here are to this one", false},
    {"list", kSwitch, "", "", "", "print a line for each row that is not fine: what, and its id"},
    {"mend", kSwitch, "", "", "", "embed what is lost or stale"},
    {"remove-orphans", kSwitch, "", "", "", "remove from the sink what the source has not"},
    {"yes", kSwitch, "", "", "", "do not ask", false, 'y'},
    // Flags of every command.
    {"config", kText, "FILE", "", "", "read this file instead of the nearest vecmill.toml"},
    {"json", kSwitch, "", "", "", "print JSON, errors too"},
    {"quiet", kSwitch, "", "", "", "only what is asked for: no progress, no summary", false, 'q'},
    {"help", kSwitch, "", "", "", "print this", false, 'h'},
});

Error bad_value(const std::string& where, std::string message, std::string hint = {}) {
  return make_error(ErrorKind::kInvalidArgument, std::move(message), where, std::move(hint));
}

std::string key_of(std::string_view name) {
  std::string key(name);
  std::ranges::replace(key, '-', '_');
  return key;
}

std::string variable_of(std::string_view flag) {
  std::string name = "VECMILL_" + std::string(flag);
  std::ranges::transform(name, name.begin(), [](char c) {
    if (c == '-') return '_';
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

}  // namespace

std::span<const Flag> all_flags() { return kFlags; }

const Flag* find_flag(std::string_view name) {
  const auto found = std::ranges::find(kFlags, name, &Flag::name);
  return found == kFlags.end() ? nullptr : &*found;
}

std::string file_key(const Flag& flag) {
  return flag.key.empty() ? key_of(flag.name) : std::string(flag.key);
}

std::string environment_name(const Flag& flag) { return variable_of(flag.name); }

std::vector<std::string> file_keys(const Flag& flag) {
  std::vector<std::string> keys{file_key(flag)};
  if (!flag.once.empty()) keys.push_back(key_of(flag.once));
  return keys;
}

std::vector<std::string> environment_names(const Flag& flag) {
  std::vector<std::string> names{environment_name(flag)};
  if (!flag.once.empty()) names.push_back(variable_of(flag.once));
  return names;
}

Status check_value(const Flag& flag, std::string_view text, const std::string& where) {
  const std::string given = "\"" + std::string(text) + "\"";
  if (flag.kind == kCount) {
    std::uint32_t number = 0;
    const auto end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || number > flag.most) {
      return bad_value(where,
                       given + " is not a whole number from 0 to " + std::to_string(flag.most));
    }
  }
  if (flag.kind == kCount && flag.fallback.empty() && text.find_first_not_of('0') == text.npos) {
    return bad_value(where, "0 lets nothing through", "leave it out for what is usual");
  }
  if (flag.kind == kBytes && text != flag.fallback && !parse_bytes(text)) {
    return bad_value(where, given + " is not a size", "write it like 500MB or 10GiB");
  }
  if (flag.kind == kAge && text != flag.fallback && !parse_age(text)) {
    return bad_value(where, given + " is not an age", "write it like 7d, 12h or 30m");
  }
  if (flag.kind == kSwitch && text != "true" && text != "false" && text != "1" && text != "0") {
    return bad_value(where, given + " is neither true nor false");
  }
  if (flag.kind == kChoice && text != flag.fallback) {
    const auto choices = split_words(flag.choices, '|');
    if (std::ranges::find(choices, text) == choices.end()) {
      return bad_value(where, given + " is not one of " + std::string(flag.choices),
                       suggestion(text, choices));
    }
  }
  return {};
}

}  // namespace vecmill::cli
