#include "vecmill/cli/command.h"

#include <algorithm>
#include <array>

namespace vecmill::cli {
namespace {

constexpr auto kCommon =
    std::to_array<std::string_view>({"config", "home", "isa", "json", "quiet", "help"});

constexpr std::string_view kEmbedDetails =
    R"(IN is a .txt (a line a text), .jsonl, .csv or .tsv file, a folder of such files, or - for
standard input. OUT is .npy (with its ids beside it), .jsonl or .db (SQLite). Rows come in the
order of the input. After an interruption the same command with --resume goes on and gives the
same file.

  vecmill embed notes.jsonl --out notes.npy
  vecmill embed docs/ --model org/name --out docs.db --resume
  cat lines.txt | vecmill embed - --out lines.jsonl

A table of PostgreSQL is an input, an output, or both (docs/postgres.md): rows without a vector are
embedded, and the same command goes on after an interruption.

  vecmill embed 'postgres:///docs?table=kb&key=id&text=body&vector=embedding'
  vecmill embed notes.jsonl --out 'postgres:///docs?table=notes' --create

With --watch it stays and does the same for what is new or changed: rows of a table, files, files of
a folder (docs/watch.md).

  vecmill embed 'postgres:///docs?table=kb&text=body' --out 'postgres:///docs?table=kb_vectors' \
      --create --watch

A collection of Qdrant is an output or an input (docs/qdrant.md), with all --outputs in one point.

  vecmill embed notes.jsonl --out qdrant://localhost:6333/notes --create

--outputs makes more of each text in the same pass, for models that can (bge-m3): sparse, a weight
per token; multivector, a vector per token but the first. They go to .jsonl, each under its name,
sparse as {"indices": [...], "values": [...]}; and to .db, into the tables sparse(id, token, weight)
and multivectors(id, vectors, count, dims, dtype).

  vecmill embed docs.jsonl --model bge-m3 --outputs dense,sparse,multivector --out docs.db)";

constexpr std::string_view kQueryDetails =
    R"(The index knows the model it was made with; --model is only needed where that model has
another name or place now.

  vecmill query "how do I undo a commit" --index notes.npy -k 5

--mode: dense is the cosine; sparse the sum over shared tokens of the product of their weights;
multivector the mean over the tokens of the question of the best cosine; hybrid 0.4 dense + 0.2
sparse + 0.4 multivector, of those that the index has, divided by the sum of their weights.

  vecmill query "how do I undo a commit" --index docs.db --mode hybrid)";

constexpr std::string_view kTokenizeDetails =
    R"(Without IN it reads standard input, a line a text. Special tokens are shown; nothing is cut.

  vecmill tokenize notes.jsonl --ids-only)";

constexpr std::string_view kImportDetails =
    R"(Weights in a pickle (pytorch_model.bin) are read by a reader that can run nothing, and kept as
safetensors.

  vecmill import ./my-model --name org/my-model)";

constexpr std::string_view kPullDetails =
    R"(Goes on where an interrupted pull stopped, and checks the hash of every file. HF_ENDPOINT,
HF_TOKEN, HTTPS_PROXY and HF_HUB_OFFLINE count as they do for other tools.

  vecmill pull sentence-transformers/all-MiniLM-L6-v2
  vecmill pull BAAI/bge-m3 --dry-run)";

constexpr std::string_view kModelsDetails =
    R"(ls lists what is in the store and what other tools have downloaded; verify reads every file
again and compares it with what came, with --against f32 instead the vectors of 24 built-in texts
in the arithmetics that the model was used in here; rm asks first, unless --yes.

  vecmill models ls)";

constexpr std::string_view kCacheDetails =
    R"(Vectors by tenant, model, settings and the exact bytes of a text; no text is in the file. A text
that embed finds there has the very bits that the model makes.

stats says what there is; warm embeds IN into the cache and writes no output; prune removes what is
old (--older-than), then what was not used for longest (--max-size); compact gives free space back
to the disk; verify reads every row and drops the damaged ones (exit code 1 when there were any);
export and import go through one file with checksums; clear forgets everything and asks first,
unless --yes.

  vecmill cache warm docs.jsonl --model all-MiniLM-L6-v2
  vecmill cache prune --older-than 7d --max-size 5GB
  openssl rand -hex 32 > key && chmod 600 key && vecmill embed docs.jsonl --cache \
      --cache-path sealed.db --cache-key-file key --out docs.npy

Keys are made with a secret in cache/secret in --home: on another machine, or with another home,
what was exported is only found together with this file.)";

constexpr std::string_view kEstimateDetails =
    R"(Nothing is sent and nothing is paid. A model that is here counts its tokens and is timed on the
first texts; of an API the tokens are estimated where its tokenizer is not known, and the time is
what its limits allow. What the cache has is not taken off.

  vecmill estimate code.jsonl --models voyage:voyage-code-3,openai:text-embedding-3-small)";

constexpr std::string_view kCostDetails =
    R"(Every request to a provider that bills is on record before it is sent, in ledger.db in --home. Days
and months are those of UTC.

report sums up what was spent (--by day,model,tag:project), of all or of one --tenant, and says what
this month will come to; budget says what is left of the budgets in vecmill.toml; prices lists what
tokens cost; advice says what would have cost less, and by how much.

  vecmill cost report --by month,model
  vecmill cost report --by project --from 2026-11-01 --csv)";

constexpr std::string_view kJobsDetails =
    R"(submit cuts IN into jobs of --job-size texts, which any number of workers do; each writes into
OUT, a .db of this machine or a table of PostgreSQL. A worker reads the files itself; --inline, and
standard input, put the texts into the queue. ls counts jobs by group, show lists those of a group
or by number, wait returns when a group is done, cancel ends those that are not, retry begins dead
ones anew, purge forgets those that ended (--older-than). Exit code 3 of wait: some are dead.

  vecmill jobs submit big.jsonl --queue jobs.db --model all-MiniLM-L6-v2 --out big.db
  vecmill worker --queue jobs.db --drain)";

constexpr std::string_view kWorkerDetails =
    R"(Does jobs one by one until it is told to end (Ctrl-C, SIGTERM): then the job at hand is finished
or given back. A job that fails is tried again later; a text that fails becomes a job of its own; a
text that kills its worker three times is given up. What was given up is a dead letter: exit code 3,
and `vecmill dead` says why. Exit codes 4 and 6: this worker has no key or no budget left; its jobs
wait for others.

  vecmill worker --queue jobs.db)";

constexpr std::string_view kDeadDetails =
    R"(Dead letters are jobs that were given up. ls counts them by cause, or lists them (--by job);
redrive begins them anew, those of a --cause, a group or by number, and with --truncate cuts texts
that are too long; purge forgets them.

  vecmill dead redrive --queue jobs.db --cause too_long --truncate end)";

constexpr std::string_view kReconcileDetails =
    R"(SOURCE is anything that embed reads, several inputs too; SINK what embed made of it: .npy, .jsonl,
.db, a table of PostgreSQL or a collection of Qdrant. Says how many rows are fine, lost (in the source
alone), stale (made of another text; where the sink knows its texts), orphaned (in the sink alone) and
failed (on record as such). Exit code 0: all are fine, 1: some are lost, stale or orphaned, 3: none is,
but some failed. Nothing is changed unless it is asked for.

  vecmill reconcile notes.jsonl notes.db
  vecmill reconcile 'postgres:///docs?table=kb&text=body' 'postgres:///docs?table=kb_minilm' --list

--mend embeds what is lost or stale, with the model on record; --remove-orphans reads the source once
more and removes what it still has not. Where source and sink have no row in common, --yes says that
this is right. A killed run changed no row by half: the same command goes on.

  vecmill reconcile docs.jsonl qdrant://localhost:6333/notes --mend --remove-orphans)";

constexpr std::string_view kBenchDetails =
    R"(Latency by length, throughput by batch, both with the tokenizer and over all threads, beside what
the multiplications alone would take; memory, and what to set. Wants an idle machine.

  vecmill bench --model all-MiniLM-L6-v2)";

constexpr std::string_view kDoctorDetails =
    R"(Exit code 1 when something is wrong. Without --online no API is asked; the server of
--shared is asked what it is.

With --online it looks at that server and at models behind APIs instead: at that of --model or of
the settings, and at each [providers.NAME] of vecmill.toml. It asks the model for the vector of one
word and says before what that costs. Exit code: 0 all is well, 2 the configuration, 4 the key, 5
the address or the server, 6 a budget or limit.

  vecmill doctor --online --model voyage:voyage-code-3)";

constexpr std::string_view kConfigDetails =
    R"(A flag beats the environment (VECMILL_*), that the nearest vecmill.toml, that
$XDG_CONFIG_HOME/vecmill/config.toml, that the default.

  vecmill config show --origin)";

std::vector<Command> text_commands() {
  return {
      {"embed",
       "IN...",
       "turn texts into vectors",
       {"out",          "model",     "role",           "dims",           "truncate",
        "empty",        "store",     "id-field",       "text-field",     "format",
        "whole-file",   "resume",    "dry-run",        "batch-size",     "max-seq-length",
        "device",       "dtype",     "threads",        "max-memory",     "progress",
        "outputs",      "cache",     "no-cache",       "cache-path",     "cache-max-size",
        "cache-memory", "cache-ttl", "cache-key-file", "cache-key-env",  "degraded",
        "tag-field",    "create",    "create-index",   "alert-progress", "watch",
        "poll"},
       kEmbedDetails,
       run_embed},
      {"query",
       "TEXT",
       "ask an output of embed which of its texts are nearest",
       {"index", "top", "mode", "model", "dims", "max-seq-length", "device", "dtype", "threads",
        "max-memory", "cache", "no-cache"},
       kQueryDetails,
       run_query},
      {"tokenize",
       "[IN...]",
       "show the tokens of texts, as the model gets them",
       {"model", "ids-only", "format", "id-field", "text-field", "whole-file"},
       kTokenizeDetails,
       run_tokenize},
  };
}

std::vector<Command> upkeep_commands() {
  return {
      {"estimate",
       "IN...",
       "say what embedding would cost and take, before it is done",
       {"models", "model", "dims", "role", "max-seq-length", "dtype", "threads", "max-memory",
        "batch-size", "id-field", "text-field", "format", "whole-file", "price", "prices"},
       kEstimateDetails,
       run_estimate},
      {"cost",
       "report | budget | prices | advice",
       "say what was spent on providers that bill",
       {"by", "from", "to", "csv", "ledger", "daily-budget", "monthly-budget", "prices", "tenant",
        "cache-path", "cache-max-size", "cache-key-file", "cache-key-env", "storage-price"},
       kCostDetails,
       run_cost},
      {"cache",
       "stats | warm IN... | prune | compact | verify | export F | import F | clear",
       "look after the vectors that were made before",
       {"older-than",     "max-size",       "yes",
        "cache-path",     "cache-max-size", "cache-memory",
        "cache-ttl",      "cache-key-file", "cache-key-env",
        "model",          "role",           "dims",
        "truncate",       "id-field",       "text-field",
        "format",         "whole-file",     "batch-size",
        "max-seq-length", "device",         "threads",
        "max-memory",     "progress",       "tag-field"},
       kCacheDetails,
       run_cache},
  };
}

std::vector<Command> job_commands() {
  return {
      {"jobs",
       "submit IN... | ls | show WHICH... | wait GROUP... | cancel WHICH... | retry WHICH... | "
       "purge",
       "give work to workers, and see how far it is",
       {"queue",    "out",        "model",          "role",       "dims",     "truncate",
        "empty",    "store",      "id-field",       "text-field", "format",   "whole-file",
        "dtype",    "batch-size", "tag-field",      "outputs",    "create",   "device",
        "threads",  "max-memory", "max-seq-length", "group",      "priority", "job-size",
        "attempts", "inline",     "older-than"},
       kJobsDetails,
       run_jobs},
      {"worker",
       "",
       "do the jobs of a queue",
       {"queue", "lease", "retry-delay", "drain", "threads", "max-memory", "device", "batch-size",
        "cache", "no-cache", "cache-path", "cache-max-size", "cache-memory", "cache-ttl",
        "cache-key-file", "cache-key-env"},
       kWorkerDetails,
       run_worker},
      {"reconcile",
       "SOURCE SINK",
       "say what is lost, stale or orphaned in an output, and mend it",
       {"list",       "mend",           "remove-orphans", "yes",        "model",
        "role",       "dims",           "truncate",       "empty",      "id-field",
        "text-field", "format",         "whole-file",     "batch-size", "max-seq-length",
        "device",     "dtype",          "threads",        "max-memory", "progress",
        "tag-field",  "cache",          "no-cache",       "cache-path", "cache-max-size",
        "cache-ttl",  "cache-key-file", "cache-key-env"},
       kReconcileDetails,
       run_reconcile},
      {"dead",
       "ls | redrive [WHICH...] | purge [WHICH...]",
       "look after jobs that were given up",
       {"queue", "by", "cause", "truncate", "older-than", "yes", "redis-password-env",
        "redis-ca-file"},
       kDeadDetails,
       run_dead},
  };
}

std::vector<Command> model_commands() {
  return {
      {"import",
       "PATH",
       "put a model from a folder, wheel or zip into the store",
       {"name"},
       kImportDetails,
       run_import},
      {"pull",
       "NAME",
       "fetch a model from the Hugging Face Hub into the store",
       {"revision", "dry-run", "offline", "progress"},
       kPullDetails,
       run_pull},
      {"models",
       "ls | show NAME | verify NAME | rm NAME",
       "list, describe, check and remove the models on this machine",
       {"against", "yes"},
       kModelsDetails,
       run_models},
      {"bench",
       "",
       "measure what a model reaches on this machine",
       {"model", "dims", "max-seq-length", "device", "dtype", "threads", "max-memory"},
       kBenchDetails,
       run_bench},
  };
}

std::vector<Command> other_commands() {
  return {
      {"doctor",
       "",
       "say what vecmill finds on this machine, and what is wrong with it",
       {"online", "model", "dims", "max-cost", "daily-budget", "monthly-budget", "price", "prices",
        "ledger", "tag"},
       kDoctorDetails,
       run_doctor},
      {"config", "show", "show every setting", {"origin"}, kConfigDetails, run_config},
      {"version", "", "say which vecmill this is", {}, "", run_version},
      {"completion",
       "bash | zsh | fish",
       "print the completion script of a shell",
       {},
       "  eval \"$(vecmill completion bash)\"",
       run_completion},
  };
}

/// Flags that several commands have.
struct FlagGroup {
  std::vector<std::string_view> commands, flags;
};

const std::vector<FlagGroup>& flag_groups() {
  static const std::vector<FlagGroup> groups = {
      // What requests to APIs cost, who stands in for an API, and who shares its limits.
      {{"embed", "query", "cache", "jobs", "worker", "reconcile"},
       {"max-cost", "daily-budget", "monthly-budget", "price", "prices", "ledger", "tag", "tenant",
        "alert-webhook", "alert-secret-env"}},
      {{"embed", "query", "cache", "jobs", "worker", "reconcile"},
       {"fallback", "same-space", "fallback-after", "patience"}},
      {{"embed", "query", "cache", "doctor", "jobs", "worker", "reconcile"},
       {"shared", "redis-password-env", "redis-ca-file", "shared-cache-only", "shared-cache-size"}},
      // How they are sent.
      {{"embed", "query", "cache", "estimate", "doctor", "jobs", "worker", "reconcile"},
       {"requests-per-minute", "tokens-per-minute", "in-flight", "request-timeout"}},
  };
  return groups;
}

void add_flag_groups(Command& command) {
  for (const FlagGroup& group : flag_groups()) {
    if (std::ranges::find(group.commands, command.name) == group.commands.end()) continue;
    command.flags.insert(command.flags.end(), group.flags.begin(), group.flags.end());
  }
}

const std::vector<Command>& commands() {
  static const std::vector<Command> list = [] {
    std::vector<Command> all = text_commands();
    for (const auto& more :
         {job_commands(), upkeep_commands(), model_commands(), other_commands()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    for (Command& command : all) add_flag_groups(command);
    return all;
  }();
  return list;
}

}  // namespace

std::span<const Command> all_commands() { return commands(); }

const Command* find_command(std::string_view name) {
  const auto& list = commands();
  const auto found = std::ranges::find(list, name, &Command::name);
  return found == list.end() ? nullptr : &*found;
}

std::span<const std::string_view> common_flags() { return kCommon; }

}  // namespace vecmill::cli
