#include "vecmill/queue/sqlite_queue.h"

#include <mutex>
#include <string>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/base/private_file.h"
#include "vecmill/base/transaction.h"
#include "vecmill/queue/sqlite_queue_file.h"

namespace vecmill::queue {
namespace {

constexpr const char* kSubmit =
    "INSERT INTO jobs(state,rank,due,priority,attempts,grp,key,payload,made)"
    " VALUES(?,?,?,?,?,?,?,?,?)";
constexpr const char* kFindKey = "SELECT id FROM jobs WHERE key=? AND key<>'' AND state<3";
constexpr const char* kBury =
    "UPDATE jobs SET state=4,crashes=crashes+1,ended=?1,cause='worker_died',"
    "message='its worker ended or stood still '||(crashes+1)||' times'"
    " WHERE state=2 AND lease_ends<=?1 AND crashes+1>=?2";
constexpr const char* kReclaim =
    "UPDATE jobs SET state=0,crashes=crashes+1 WHERE state=2 AND lease_ends<=?";
constexpr const char* kRipen =
    "UPDATE jobs SET state=0 WHERE id IN"
    " (SELECT id FROM jobs WHERE state=1 AND due<=? ORDER BY due LIMIT 10000)";
constexpr const char* kFence = "UPDATE fence SET last=last+1 RETURNING last";
constexpr const char* kHead = "SELECT id,crashes FROM jobs WHERE state=0 ORDER BY rank,id LIMIT ?";
constexpr const char* kTake =
    "UPDATE jobs SET state=2,claims=claims+1,token=?1,worker=?2,lease_ends=?3 WHERE id=?4"
    " RETURNING claims,payload,grp,priority,failures,crashes,attempts";
constexpr const char* kWake =
    "SELECT min(x) FROM (SELECT min(due) x FROM jobs WHERE state=1 UNION ALL"
    " SELECT min(lease_ends) FROM jobs WHERE state=2 UNION ALL"
    " SELECT * FROM (SELECT due FROM jobs WHERE state=0 LIMIT 1))";
constexpr const char* kHeld = " WHERE id=? AND state=2 AND token=? AND lease_ends>?";
constexpr const char* kExtend = "UPDATE jobs SET lease_ends=?";
constexpr const char* kComplete = "UPDATE jobs SET state=3,ended=?";
constexpr const char* kRelease = "UPDATE jobs SET state=0,lease_ends=?";
constexpr const char* kRetry =
    "UPDATE jobs SET failures=failures+1,cause=?1,message=?2,state=1,due=?3,"
    "rank=?3+(3-priority)*3600000 WHERE id=?4 AND state=2 AND token=?5 AND lease_ends>?6"
    " AND failures+1<attempts";
constexpr const char* kDie =
    "UPDATE jobs SET failures=failures+1,cause=?1,message=?2,state=4,ended=?3"
    " WHERE id=?4 AND state=2 AND token=?5 AND lease_ends>?6";

// A job whose key a newer one has stays dead: the newer one stands for it.
constexpr const char* kRevive =
    "UPDATE OR IGNORE jobs SET state=0,failures=0,crashes=0,due=?1,rank=?1+(3-priority)*3600000,"
    "payload=?2 WHERE id=?3";

/// A time before 1970 is none that a clock shows.
std::uint64_t number(Time time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

std::uint64_t rank(const NewJob& job) {
  const auto behind = 3 - static_cast<int>(job.priority);
  return number(job.due) + static_cast<std::uint64_t>(Duration(kHeadStart).count() * behind);
}

class SqliteQueue final : public Queue {
 public:
  Status open(const std::filesystem::path& path) {
    VECMILL_ASSIGN(db_, open_queue_file(path));
    const std::string held(kHeld);
    const std::pair<Statement*, std::string> statements[] = {{&submit_, kSubmit},
                                                             {&find_key_, kFindKey},
                                                             {&bury_, kBury},
                                                             {&reclaim_, kReclaim},
                                                             {&ripen_, kRipen},
                                                             {&fence_, kFence},
                                                             {&head_, kHead},
                                                             {&take_, kTake},
                                                             {&wake_, kWake},
                                                             {&extend_, kExtend + held},
                                                             {&complete_, kComplete + held},
                                                             {&release_, kRelease + held},
                                                             {&retry_, kRetry},
                                                             {&die_, kDie},
                                                             {&revive_, kRevive}};
    for (const auto& [statement, sql] : statements) {
      VECMILL_ASSIGN(*statement, Statement::prepare(db_, sql));
    }
    return {};
  }

  Result<Time> clock() override {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }

  Result<std::vector<JobId>> submit(std::span<const NewJob> jobs, Time now) override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    std::vector<JobId> ids;
    for (const NewJob& job : jobs) {
      VECMILL_ASSIGN(const JobId id, add(job, now));
      ids.push_back(id);
    }
    failpoint("queue.submit");
    VECMILL_TRY(transaction.commit());
    return ids;
  }

  Result<std::vector<Claimed>> claim(const ClaimOptions& options, Time now) override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    VECMILL_TRY(bury_.bind(1, number(now)).bind(2, kCrashes).execute());
    VECMILL_TRY(reclaim_.bind(1, number(now)).execute());
    VECMILL_TRY(ripen_.bind(1, number(now)).execute());
    VECMILL_ASSIGN(const std::vector<JobId> ids, heads(options.count));
    std::vector<Claimed> claimed;
    if (!ids.empty()) {
      VECMILL_ASSIGN(const std::uint64_t token, next_token());
      for (const JobId id : ids) {
        VECMILL_ASSIGN(Claimed job, take(id, token, options, now));
        claimed.push_back(std::move(job));
      }
    }
    failpoint("queue.claim");
    VECMILL_TRY(transaction.commit());
    return claimed;
  }

  Result<std::optional<Time>> wake() override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(const bool is_row, wake_.step());
    std::optional<Time> when;
    if (is_row && !wake_.is_null(0)) when = Time(Duration(wake_.number(0)));
    wake_.reset();
    return when;
  }

  Result<std::vector<bool>> extend(std::span<const Lease> leases, Time now, Time until) override {
    return end_each(extend_, number(until), leases, now);
  }
  Result<std::vector<bool>> complete(std::span<const Lease> leases, Time now) override {
    return end_each(complete_, number(now), leases, now);
  }
  Result<std::vector<bool>> release(std::span<const Lease> leases, Time now) override {
    return end_each(release_, number(now), leases, now);
  }

  Result<std::vector<bool>> fail(std::span<const Failure> failures, Time now) override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    std::vector<bool> good;
    for (const Failure& failure : failures) {
      VECMILL_ASSIGN(const bool ended, fail_one(failure, now));
      good.push_back(ended);
    }
    failpoint("queue.fail");
    VECMILL_TRY(transaction.commit());
    return good;
  }

  Result<bool> replace(const Lease& lease, std::span<const NewJob> parts, Time now) override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    complete_.bind(1, number(now)).bind(2, lease.job).bind(3, lease.token).bind(4, number(now));
    VECMILL_TRY(complete_.execute());
    if (db_.changes() != 1) return false;
    for (const NewJob& part : parts) VECMILL_TRY(add(part, now));
    failpoint("queue.replace");
    VECMILL_TRY(transaction.commit());
    return true;
  }

  Result<std::uint64_t> cancel(const JobFilter& which, Time now) override {
    return change("UPDATE jobs SET state=5,ended=" + std::to_string(number(now)), which, "state<3");
  }

  Result<std::uint64_t> redrive(const JobFilter& which, Time now, const Edit& edit) override {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    JobFilter dead = which;
    dead.state = State::kDead;
    std::uint64_t changed = 0;
    for (bool more = true; more;) {
      constexpr std::size_t kAtOnce = 1000;
      VECMILL_ASSIGN(const auto jobs, list_jobs(db_, dead, kAtOnce));
      for (const JobInfo& job : jobs) {
        revive_.bind(1, number(now)).bind_blob(2, edit ? edit(job.payload) : job.payload);
        VECMILL_TRY(revive_.bind(3, job.id).execute());
        changed += db_.changes();
        dead.after = job.id;
      }
      more = jobs.size() == kAtOnce;
    }
    VECMILL_TRY(transaction.commit());
    return changed;
  }

  Result<std::uint64_t> purge(const JobFilter& which, Time before) override {
    return change("DELETE FROM jobs", which,
                  "state>=3 AND ended<" + std::to_string(number(before)));
  }

  Result<std::vector<JobInfo>> list(const JobFilter& which, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return list_jobs(db_, which, limit);
  }
  Result<std::vector<Count>> count() override {
    const std::lock_guard lock(mutex_);
    return count_jobs(db_);
  }
  Result<std::vector<DeadCount>> dead() override {
    const std::lock_guard lock(mutex_);
    return count_dead(db_);
  }

 private:
  Result<JobId> add(const NewJob& job, Time now) {
    find_key_.bind(1, job.key);
    VECMILL_ASSIGN(const bool known, find_key_.step());
    const JobId id = known ? static_cast<JobId>(find_key_.number(0)) : 0;
    find_key_.reset();
    if (known) return id;
    const auto state = job.due <= now ? State::kWaiting : State::kDelayed;
    submit_.bind(1, static_cast<std::uint64_t>(state)).bind(2, rank(job)).bind(3, number(job.due));
    submit_.bind(4, static_cast<std::uint64_t>(job.priority)).bind(5, job.attempts);
    submit_.bind(6, job.group).bind(7, job.key).bind_blob(8, job.payload).bind(9, number(now));
    VECMILL_TRY(submit_.execute());
    return db_.last_id();
  }

  /// Those to be claimed: one that lost a worker goes alone.
  Result<std::vector<JobId>> heads(std::uint32_t count) {
    std::vector<JobId> ids;
    head_.bind(1, count);
    for (;;) {
      VECMILL_ASSIGN(const bool more, head_.step());
      if (!more) break;
      const bool suspect = head_.number(1) > 0;
      if (suspect && !ids.empty()) continue;
      ids.push_back(static_cast<JobId>(head_.number(0)));
      if (suspect) break;
    }
    head_.reset();
    return ids;
  }

  Result<std::uint64_t> next_token() {
    VECMILL_TRY(fence_.step());
    const auto token = static_cast<std::uint64_t>(fence_.number(0));
    VECMILL_TRY(finish(fence_));
    return token;
  }

  Result<Claimed> take(JobId id, std::uint64_t token, const ClaimOptions& options, Time now) {
    take_.bind(1, token).bind(2, options.worker).bind(3, number(now + options.lease)).bind(4, id);
    VECMILL_TRY(take_.step());
    Claimed job;
    job.lease = {id, static_cast<std::uint32_t>(take_.number(0)), token};
    job.payload = take_.blob(1);
    job.group = take_.text(2);
    job.priority = static_cast<Priority>(take_.number(3));
    job.failures = static_cast<std::uint32_t>(take_.number(4));
    job.crashes = static_cast<std::uint32_t>(take_.number(5));
    job.attempts = static_cast<std::uint32_t>(take_.number(6));
    VECMILL_TRY(finish(take_));
    return job;
  }

  /// `what` and the value in front of kHeld.
  Result<std::vector<bool>> end_each(Statement& what, std::uint64_t value,
                                     std::span<const Lease> leases, Time now) {
    const std::lock_guard lock(mutex_);
    VECMILL_ASSIGN(Transaction transaction, Transaction::begin(db_));
    std::vector<bool> good;
    for (const Lease& lease : leases) {
      what.bind(1, value).bind(2, lease.job).bind(3, lease.token).bind(4, number(now));
      VECMILL_TRY(what.execute());
      good.push_back(db_.changes() == 1);
    }
    failpoint("queue.end");
    VECMILL_TRY(transaction.commit());
    return good;
  }

  Result<bool> fail_one(const Failure& failure, Time now) {
    const auto try_it = [&](Statement& statement, Time when) -> Result<bool> {
      statement.bind(1, failure.cause).bind(2, failure.message).bind(3, number(when));
      statement.bind(4, failure.lease.job).bind(5, failure.lease.token).bind(6, number(now));
      VECMILL_TRY(statement.execute());
      return db_.changes() == 1;
    };
    if (failure.retry_at) {
      VECMILL_ASSIGN(const bool again, try_it(retry_, *failure.retry_at));
      if (again) return true;
    }
    return try_it(die_, now);
  }

  Result<std::uint64_t> change(const std::string& what, const JobFilter& which,
                               const std::string& condition) {
    const std::lock_guard lock(mutex_);
    return change_in(db_, what, which, condition);
  }

  /// A statement that changes rows takes effect when its last row was asked for.
  static Status finish(Statement& statement) {
    VECMILL_ASSIGN(const bool more, statement.step());
    statement.reset();
    if (more) return make_error(ErrorKind::kInvalidData, "two rows where one must be", "queue");
    return {};
  }

  std::mutex mutex_;
  Database db_;
  Statement submit_, find_key_, bury_, reclaim_, ripen_, fence_, head_, take_, wake_;
  Statement extend_, complete_, release_, retry_, die_, revive_;
};

}  // namespace

Result<std::unique_ptr<Queue>> open_sqlite_queue(const std::filesystem::path& path) {
  auto queue = std::make_unique<SqliteQueue>();
  VECMILL_TRY(queue->open(path));
  return std::unique_ptr<Queue>(std::move(queue));
}

}  // namespace vecmill::queue
