#include "vecmill/queue/redis_queue.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/queue/job_row.h"
#include "vecmill/queue/redis_scripts.h"

namespace vecmill::queue {
namespace {

using redis::Client;
using redis::Command;
using redis::Reply;

using Words = std::vector<std::string>;

// In braces: all keys of a queue are in one slot of a cluster.
constexpr const char* kPrefix = "{vecmill-queue}:";
constexpr std::size_t kPage = 1000;
constexpr Duration kFirstPause{50}, kLongestPause{1000};

std::string number(Time time) {
  return std::to_string(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Ids are text, all other numbers are integers.
JobId id_of(const Reply& reply) { return to_number(reply.text); }

Time time_of(const Reply& reply) { return Time(Duration(reply.integer)); }

std::string random_name() {
  thread_local std::random_device random;
  std::string name;
  for (int i = 0; i < 4; ++i) name += std::to_string(random()) + (i < 3 ? "-" : "");
  return name;
}

void add_jobs(Words& words, std::span<const NewJob> jobs) {
  for (const NewJob& job : jobs) {
    words.insert(words.end(),
                 {job.payload, number(job.due), std::to_string(static_cast<int>(job.priority)),
                  std::to_string(job.attempts), job.group, job.key});
  }
}

/// group, cause, state, after, how many to look at, ids.
void add_filter(Words& words, const JobFilter& which) {
  words.insert(words.end(),
               {which.group, which.cause,
                which.state ? std::to_string(static_cast<int>(*which.state)) : std::string(),
                std::to_string(which.after), std::to_string(kPage)});
  for (const JobId id : std::set(which.ids.begin(), which.ids.end()))
    words.push_back(std::to_string(id));
}

std::vector<bool> letters(const std::string& answer) {
  std::vector<bool> good;
  for (const char letter : answer) good.push_back(letter == 't');
  return good;
}

JobInfo read_job(const std::vector<Reply>& columns) {
  std::size_t next = 0;
  const auto number = [&]() -> std::int64_t {
    const Reply& reply = columns[next++];
    return &reply == columns.data() ? static_cast<std::int64_t>(id_of(reply)) : reply.integer;
  };
  return read_job_row(number, [&] { return columns[next++].text; });
}

constexpr std::size_t kClaimColumns = 9;

Claimed read_claimed(const std::vector<Reply>& columns) {
  const auto count = [&](std::size_t i) { return static_cast<std::uint32_t>(columns[i].integer); };
  Claimed job;
  job.lease = {id_of(columns[0]), count(1), static_cast<std::uint64_t>(columns[2].integer)};
  job.payload = columns[3].text;
  job.group = columns[4].text;
  job.priority = static_cast<Priority>(count(5));
  job.failures = count(6);
  job.crashes = count(7);
  job.attempts = count(8);
  return job;
}

class RedisQueue final : public Queue {
 public:
  explicit RedisQueue(const RedisQueueOptions& options)
      : options_(options), work_(options.client), heart_(options.client) {}

  Status open() {
    VECMILL_TRY(check_server());
    VECMILL_ASSIGN(const Reply type, insist(work_, {"TYPE", key("born")}));
    if (type.text == "string") {
      return make_error(ErrorKind::kUnsupported, "the queue is of another version of Vecmill",
                        where(), "use the program that made it, or another database");
    }
    for (int turn = 0; turn < 2; ++turn) {
      VECMILL_ASSIGN(const Reply born, insist(work_, {"HGET", key("born"), "name"}));
      born_ = born.text;
      if (!born_.empty()) return {};
      if (!options_.create) {
        return make_error(ErrorKind::kNotFound, "there is no queue", where(),
                          "`vecmill jobs submit` makes it; if there was one, Redis has lost it");
      }
      VECMILL_TRY(insist(work_, {"HSETNX", key("born"), "name", random_name()}));
    }
    return gone();
  }

  Result<Time> clock() override {
    VECMILL_ASSIGN(const Reply time, insist(heart_, {"TIME"}));
    if (time.items.size() != 2) return strange();
    return Time(
        Duration(to_number(time.items[0].text) * 1000 + to_number(time.items[1].text) / 1000));
  }

  Result<std::vector<JobId>> submit(std::span<const NewJob> jobs, Time now) override {
    Words words{number(now)};
    add_jobs(words, jobs);
    VECMILL_ASSIGN(const std::string answer, change(work_, scripts_.submit, words));
    std::vector<JobId> ids;
    for (std::string_view left = answer; !left.empty();) {
      const std::size_t end = std::min(left.find(','), left.size());
      ids.push_back(to_number(left.substr(0, end)));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    return ids;
  }

  Result<std::vector<Claimed>> claim(const ClaimOptions& options, Time now) override {
    const Words words{random_name(),
                      number(now),
                      std::to_string(options.count),
                      options.worker,
                      number(now + options.lease),
                      std::to_string(kCrashes)};
    VECMILL_ASSIGN(const auto items, run(work_, scripts_.claim, words));
    std::vector<Claimed> claimed;
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (items[i].items.size() != kClaimColumns) return strange();
      claimed.push_back(read_claimed(items[i].items));
    }
    return claimed;
  }

  Result<std::optional<Time>> wake() override {
    VECMILL_ASSIGN(const auto items, run(work_, scripts_.wake, {}));
    if (items.size() != 2) return strange();
    if (!items[1].is(Reply::Kind::kInteger)) return std::nullopt;
    return time_of(items[1]);
  }

  Result<std::vector<bool>> extend(std::span<const Lease> leases, Time now, Time until) override {
    return finish(heart_, "extend", leases, now, until);
  }
  Result<std::vector<bool>> complete(std::span<const Lease> leases, Time now) override {
    return finish(work_, "complete", leases, now, now);
  }
  Result<std::vector<bool>> release(std::span<const Lease> leases, Time now) override {
    return finish(work_, "release", leases, now, now);
  }

  Result<std::vector<bool>> fail(std::span<const Failure> failures, Time now) override {
    Words words{number(now)};
    for (const Failure& failure : failures) {
      words.insert(
          words.end(),
          {std::to_string(failure.lease.job), std::to_string(failure.lease.token), failure.cause,
           failure.message, failure.retry_at ? number(*failure.retry_at) : std::string()});
    }
    VECMILL_ASSIGN(const std::string answer, change(work_, scripts_.fail, words));
    return letters(answer);
  }

  Result<bool> replace(const Lease& lease, std::span<const NewJob> parts, Time now) override {
    Words words{number(now), std::to_string(lease.job), std::to_string(lease.token)};
    add_jobs(words, parts);
    VECMILL_ASSIGN(const std::string answer, change(work_, scripts_.replace, words));
    return answer == "t";
  }

  Result<std::uint64_t> cancel(const JobFilter& which, Time now) override {
    return change_all("cancel", which, now);
  }
  Result<std::uint64_t> purge(const JobFilter& which, Time before) override {
    return change_all("purge", which, before);
  }

  Result<std::uint64_t> redrive(const JobFilter& which, Time now, const Edit& edit) override {
    JobFilter dead = which;
    dead.state = State::kDead;
    std::uint64_t revived = 0;
    for (bool more = true; more;) {
      VECMILL_ASSIGN(const auto jobs, list(dead, kPage));
      Words words{number(now)};
      for (const JobInfo& job : jobs) {
        words.push_back(std::to_string(job.id));
        words.push_back(edit ? edit(job.payload) : job.payload);
      }
      VECMILL_ASSIGN(const std::string answer, change(work_, scripts_.revive, words));
      revived += to_number(answer);
      more = jobs.size() == kPage;
      if (more) dead.after = jobs.back().id;
    }
    return revived;
  }

  Result<std::vector<JobInfo>> list(const JobFilter& which, std::size_t limit) override {
    JobFilter rest = which;
    std::vector<JobInfo> jobs;
    for (std::size_t looked = kPage; looked == kPage && jobs.size() < limit;) {
      Words words;
      add_filter(words, rest);
      VECMILL_ASSIGN(const auto items, run(work_, scripts_.list, words));
      if (items.size() < 3) return strange();
      looked = rest.ids.empty() ? static_cast<std::size_t>(items[1].integer) : 0;
      rest.after = id_of(items[2]);
      for (std::size_t i = 3; i < items.size() && jobs.size() < limit; ++i) {
        if (items[i].items.size() != kJobColumns) return strange();
        jobs.push_back(read_job(items[i].items));
      }
    }
    return jobs;
  }

  Result<std::vector<Count>> count() override {
    VECMILL_TRY(run(work_, scripts_.wake, {}));  // is it still the same queue?
    VECMILL_ASSIGN(const Reply reply, insist(work_, {"HGETALL", key("c")}));
    std::map<std::pair<std::string, State>, std::uint64_t> counts;
    for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
      const std::string& field = reply.items[i].text;
      const std::uint64_t jobs = to_number(reply.items[i + 1].text);
      if (field.size() < 2 || jobs == 0) continue;
      counts[{field.substr(2), static_cast<State>(field[0] - '0')}] = jobs;
    }
    std::vector<Count> all;
    all.reserve(counts.size());
    for (const auto& [name, jobs] : counts) all.push_back({name.first, name.second, jobs});
    return all;
  }

  Result<std::vector<DeadCount>> dead() override {
    std::map<std::string, DeadCount> counts;
    JobFilter which;
    which.state = State::kDead;
    for (bool more = true; more;) {
      VECMILL_ASSIGN(const auto jobs, list(which, kPage));
      for (const JobInfo& job : jobs) {
        DeadCount& count =
            counts.try_emplace(job.cause, DeadCount{job.cause, 0, job.ended, {}}).first->second;
        ++count.jobs;
        count.first = std::min(count.first, job.ended);
        count.last = std::max(count.last, job.ended);
      }
      more = jobs.size() == kPage;
      if (more) which.after = jobs.back().id;
    }
    std::vector<DeadCount> all;
    all.reserve(counts.size());
    for (auto& [cause, count] : counts) all.push_back(std::move(count));
    std::ranges::stable_sort(all, std::ranges::greater(), &DeadCount::jobs);
    return all;
  }

 private:
  static std::string key(const char* name) { return std::string(kPrefix) + name; }
  [[nodiscard]] std::string where() const { return work_.address().name(); }
  [[nodiscard]] Error strange() const {
    return make_error(ErrorKind::kInvalidData, "answers what no queue answers", where());
  }
  [[nodiscard]] Error gone() const {
    return make_error(ErrorKind::kInvalidData, "Redis has lost the queue, and the jobs in it",
                      where(), "submit them again: rows that are there already are only replaced");
  }

  Status check_server() {
    VECMILL_ASSIGN(const redis::Server server, work_.server());
    if (server.is_replica) {
      return make_error(ErrorKind::kUnsupported, "is a replica, which takes no writes", where(),
                        "name the primary server");
    }
    if (server.eviction != "noeviction") {
      return make_error(ErrorKind::kInvalidArgument,
                        "drops keys when it is full (maxmemory-policy " + server.eviction +
                            "), and jobs with them",
                        where(), "set it to noeviction");
    }
    VECMILL_ASSIGN(const Reply info, insist(work_, {"INFO", "persistence"}));
    if (info.text.find("aof_enabled:1") != std::string::npos) return {};
    return make_error(ErrorKind::kInvalidArgument,
                      "keeps no append-only file, and loses the jobs when it ends", where(),
                      "set appendonly to yes");
  }

  /// Until the server answers or the patience is over.
  template <class Do>
  Result<Reply> until_answered(Do what) {
    const auto end = std::chrono::steady_clock::now() + options_.patience;
    for (Duration pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
      failpoint("queue.call");
      auto reply = what();
      failpoint("queue.called");
      if (reply || reply.error().kind != ErrorKind::kUnavailable) return reply;
      if (std::chrono::steady_clock::now() + pause > end) return reply;
      std::this_thread::sleep_for(pause);
    }
  }

  Result<Reply> insist(Client& client, const Command& command) {
    return until_answered([&] { return client.call(command); });
  }

  Result<std::vector<Reply>> run(Client& client, const redis::Script& script, const Words& words) {
    const Words keys{kPrefix};
    Words arguments{born_};
    arguments.insert(arguments.end(), words.begin(), words.end());
    VECMILL_ASSIGN(Reply reply,
                   until_answered([&] { return client.run(script, keys, arguments); }));
    if (reply.items.empty()) return strange();
    if (reply.items[0].text == "gone") return gone();
    return std::move(reply.items);
  }

  /// A script that changes something, under a name of its own.
  Result<std::string> change(Client& client, const redis::Script& script, const Words& words) {
    Words named{random_name()};
    named.insert(named.end(), words.begin(), words.end());
    VECMILL_ASSIGN(const auto items, run(client, script, named));
    if (items.size() != 2) return strange();
    return items[1].text;
  }

  Result<std::vector<bool>> finish(Client& client, const std::string& what,
                                   std::span<const Lease> leases, Time now, Time until) {
    Words words{number(now), what, number(until)};
    for (const Lease& lease : leases) {
      words.push_back(std::to_string(lease.job));
      words.push_back(std::to_string(lease.token));
    }
    VECMILL_ASSIGN(const std::string answer, change(client, scripts_.finish, words));
    return letters(answer);
  }

  /// A page after the other: no call holds up the server for long.
  Result<std::uint64_t> change_all(const std::string& what, const JobFilter& which, Time time) {
    JobFilter rest = which;
    std::uint64_t changed = 0;
    for (std::size_t looked = kPage; looked == kPage;) {
      Words words{what, number(time)};
      add_filter(words, rest);
      VECMILL_ASSIGN(const std::string answer, change(work_, scripts_.change, words));
      const std::size_t first = answer.find(' '), second = answer.rfind(' ');
      if (first == std::string::npos || second == first) return strange();
      changed += to_number(answer);
      looked = rest.ids.empty() ? to_number(answer.substr(first + 1)) : 0;
      rest.after = to_number(answer.substr(second + 1));
    }
    return changed;
  }

  const RedisQueueOptions options_;
  const RedisScripts scripts_;
  Client work_, heart_;  // leases are kept on a connection that no long call holds up
  std::string born_;     ///< tells this queue from one that was made after it was lost
};

}  // namespace

Result<std::unique_ptr<Queue>> open_redis_queue(const RedisQueueOptions& options) {
  auto queue = std::make_unique<RedisQueue>(options);
  VECMILL_TRY(queue->open());
  return std::unique_ptr<Queue>(std::move(queue));
}

}  // namespace vecmill::queue
