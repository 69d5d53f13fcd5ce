#include "vecmill/queue/postgres_queue.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

#include "vecmill/base/failpoint.h"
#include "vecmill/postgres/parameters.h"
#include "vecmill/queue/job_row.h"
#include "vecmill/queue/postgres_schema.h"

namespace vecmill::queue {
namespace {

using postgres::array;
using postgres::Connection;
using postgres::Param;
using postgres::Rows;
using postgres::text;

constexpr const char* kColumns =
    "id::text, state::text, priority::text, grp, key, payload, claims::text, failures::text,"
    " crashes::text, attempts::text, made::text, due::text, lease_ends::text, ended::text, worker,"
    " cause, message";

std::string number(Time time) {
  return std::to_string(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

Time time_at(const Rows& rows, std::size_t row, std::size_t column) {
  return Time(Duration(rows.number(row, column)));
}

JobInfo read_job(const Rows& rows, std::size_t row) {
  std::size_t column = 0;
  return read_job_row([&] { return rows.number(row, column++); },
                      [&] { return std::string(rows.at(row, column++)); });
}

/// The columns that vecmill_queue_claim returns, and behind them the rank.
constexpr std::size_t kRankColumn = 9;

Claimed read_claimed(const Rows& rows, std::size_t row) {
  const auto count = [&](std::size_t column) {
    return static_cast<std::uint32_t>(rows.integer(row, column));
  };
  Claimed job;
  job.lease = {static_cast<JobId>(rows.integer(row, 0)), count(1),
               static_cast<std::uint64_t>(rows.integer(row, 2))};
  job.payload = rows.at(row, 3);
  job.group = rows.at(row, 4);
  job.priority = static_cast<Priority>(count(5));
  job.failures = count(6);
  job.crashes = count(7);
  job.attempts = count(8);
  return job;
}

/// bigint[]: of each one in the list what `number` makes of it.
template <class List, class Number>
Param integers(const List& list, Number number) {
  postgres::ArrayBuilder builder(postgres::kInt8);
  for (const auto& one : list) builder.add_int8(static_cast<std::int64_t>(number(one)));
  return {postgres::kInt8Array, std::move(builder).take()};
}

std::vector<Param> params_of(std::span<const NewJob> jobs, Time now) {
  return {
      text(postgres::unique_name()),
      text(number(now)),
      array(jobs, postgres::kBytea, [](const NewJob& job) { return job.payload; }),
      array(jobs, postgres::kText, [](const NewJob& job) { return number(job.due); }),
      array(jobs, postgres::kText,
            [](const NewJob& job) { return std::to_string(static_cast<int>(job.priority)); }),
      array(jobs, postgres::kText, [](const NewJob& job) { return std::to_string(job.attempts); }),
      array(jobs, postgres::kText, [](const NewJob& job) { return job.group; }),
      array(jobs, postgres::kText, [](const NewJob& job) { return job.key; })};
}

constexpr const char* kJobParams =
    "$1, $2::bigint, $3, $4::text[]::bigint[], $5::text[]::int[], $6::text[]::int[], $7, $8";

std::vector<bool> letters(std::string_view answer) {
  std::vector<bool> good;
  for (const char letter : answer) good.push_back(letter == 't');
  return good;
}

class PostgresQueue final : public Queue {
 public:
  PostgresQueue(Connection work, Connection heart, std::string schema)
      : schema_(std::move(schema)), work_{{}, std::move(work)}, heart_{{}, std::move(heart)} {}

  Result<Time> clock() override {
    VECMILL_ASSIGN(
        const Rows rows,
        run(heart_, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text"));
    return time_at(rows, 0, 0);
  }

  Result<std::vector<JobId>> submit(std::span<const NewJob> jobs, Time now) override {
    VECMILL_ASSIGN(const Rows rows, call(work_, "submit", kJobParams, params_of(jobs, now)));
    std::vector<JobId> ids;
    for (std::string_view left = rows.at(0, 0); !left.empty();) {
      const std::size_t end = std::min(left.find(','), left.size());
      std::from_chars(left.data(), left.data() + end, ids.emplace_back());
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    return ids;
  }

  Result<std::vector<Claimed>> claim(const ClaimOptions& options, Time now) override {
    const std::vector<Param> params = {
        text(postgres::unique_name()),       text(number(now)),
        text(std::to_string(options.count)), text(options.worker),
        text(number(now + options.lease)),   text(std::to_string(kCrashes))};
    VECMILL_ASSIGN(
        const Rows rows,
        call(work_, "claim", "$1, $2::bigint, $3::int, $4, $5::bigint, $6::int", params));
    // They come as they stand in the table.
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t row) {
      return std::pair(rows.integer(row, kRankColumn), rows.integer(row, 0));
    });
    std::vector<Claimed> claimed;
    claimed.reserve(order.size());
    for (const std::size_t row : order) claimed.push_back(read_claimed(rows, row));
    return claimed;
  }

  Result<std::optional<Time>> wake() override {
    VECMILL_ASSIGN(const Rows rows,
                   run(work_, "SELECT min(x)::text FROM (SELECT min(due) x FROM " + jobs() +
                                  " WHERE state = 1 UNION ALL SELECT min(lease_ends) FROM " +
                                  jobs() + " WHERE state = 2 UNION ALL (SELECT due FROM " + jobs() +
                                  " WHERE state = 0 ORDER BY rank, id LIMIT 1)) w"));
    if (rows.is_null(0, 0)) return std::nullopt;
    return time_at(rows, 0, 0);
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
    std::vector<Lease> leases;
    for (const Failure& failure : failures) leases.push_back(failure.lease);
    std::vector<Param> params = params_of(leases, now);
    params.push_back(array(failures, postgres::kText, [](const Failure& f) { return f.cause; }));
    params.push_back(array(failures, postgres::kText, [](const Failure& f) { return f.message; }));
    params.push_back(array(failures, postgres::kText, [](const Failure& f) {
      return f.retry_at ? std::optional(number(*f.retry_at)) : std::nullopt;
    }));
    VECMILL_ASSIGN(
        const Rows rows,
        call(work_, "fail", "$1, $2::bigint, $3, $4, $5, $6, $7::text[]::bigint[]", params));
    return letters(rows.at(0, 0));
  }

  Result<bool> replace(const Lease& lease, std::span<const NewJob> parts, Time now) override {
    std::vector<Param> params = params_of(parts, now);
    params.push_back(text(std::to_string(lease.job)));
    params.push_back(text(std::to_string(lease.token)));
    VECMILL_ASSIGN(
        const Rows rows,
        call(work_, "replace", std::string(kJobParams) + ", $9::bigint, $10::bigint", params));
    return rows.at(0, 0) == "t";
  }

  Result<std::uint64_t> cancel(const JobFilter& which, Time now) override {
    return change("cancel", which, now, now);
  }
  Result<std::uint64_t> purge(const JobFilter& which, Time before) override {
    VECMILL_ASSIGN(const Time now, clock());  // of the call, for when it is forgotten
    return change("purge", which, now, before);
  }

  Result<std::uint64_t> redrive(const JobFilter& which, Time now, const Edit& edit) override {
    JobFilter dead = which;
    dead.state = State::kDead;
    std::uint64_t revived = 0;
    for (bool more = true; more;) {
      constexpr std::size_t kAtOnce = 1000;
      VECMILL_ASSIGN(const auto found, list(dead, kAtOnce));
      const std::vector<Param> params = {
          text(postgres::unique_name()), text(number(now)),
          array(found, postgres::kText, [](const JobInfo& job) { return std::to_string(job.id); }),
          array(found, postgres::kBytea,
                [&](const JobInfo& job) { return edit ? edit(job.payload) : job.payload; })};
      VECMILL_ASSIGN(const Rows rows,
                     call(work_, "revive", "$1, $2::bigint, $3::text[]::bigint[], $4", params));
      revived += rows.number(0, 0);
      more = found.size() == kAtOnce;
      if (more) dead.after = found.back().id;
    }
    return revived;
  }

  Result<std::vector<JobInfo>> list(const JobFilter& which, std::size_t limit) override {
    const std::vector<Param> params = filter(which);
    VECMILL_ASSIGN(
        const Rows rows,
        run(work_,
            std::string("SELECT ") + kColumns + " FROM " + jobs() +
                " j WHERE (cardinality($1::text[]) = 0 OR id = ANY ($1::text[]::bigint[]))"
                " AND ($2 = '' OR grp = $2) AND ($3 = '' OR cause = $3)"
                " AND ($4 = '' OR state = NULLIF($4, '')::int) AND id > $5::bigint"
                " ORDER BY j.id LIMIT " +
                std::to_string(limit),
            params));
    std::vector<JobInfo> found;
    for (std::size_t row = 0; row < rows.size(); ++row) found.push_back(read_job(rows, row));
    return found;
  }

  Result<std::vector<Count>> count() override {
    VECMILL_ASSIGN(const Rows rows,
                   run(work_, "SELECT grp, state::text, count(*)::text FROM " + jobs() +
                                  " GROUP BY grp, state ORDER BY grp COLLATE \"C\", state"));
    std::vector<Count> counts;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      counts.push_back({std::string(rows.at(row, 0)), static_cast<State>(rows.number(row, 1)),
                        rows.number(row, 2)});
    }
    return counts;
  }

  Result<std::vector<DeadCount>> dead() override {
    VECMILL_ASSIGN(const Rows rows,
                   run(work_,
                       "SELECT cause, count(*)::text, min(ended)::text, max(ended)::text"
                       " FROM " +
                           jobs() +
                           " WHERE state = 4 GROUP BY cause"
                           " ORDER BY count(*) DESC, cause COLLATE \"C\""));
    std::vector<DeadCount> counts;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      counts.push_back({std::string(rows.at(row, 0)), rows.number(row, 1), time_at(rows, row, 2),
                        time_at(rows, row, 3)});
    }
    return counts;
  }

 private:
  /// A session for one thread at a time. Leases are kept on one of their own, which no long call
  /// holds up.
  struct Line {
    std::mutex mutex;
    Connection connection;
  };

  static Result<Rows> run(Line& line, const std::string& sql, std::span<const Param> params = {}) {
    const std::lock_guard lock(line.mutex);
    return line.connection.run(sql, params);
  }

  Result<Rows> call(Line& line, const std::string& function, const std::string& arguments,
                    std::span<const Param> params) {
    failpoint("queue.call");
    auto rows =
        run(line, "SELECT * FROM " + schema_ + ".vecmill_queue_" + function + "(" + arguments + ")",
            params);
    failpoint("queue.called");
    return rows;
  }

  [[nodiscard]] std::string jobs() const { return schema_ + ".vecmill_jobs"; }

  static std::vector<Param> params_of(std::span<const Lease> leases, Time now) {
    return {text(postgres::unique_name()), text(number(now)),
            integers(leases, [](const Lease& lease) { return lease.job; }),
            integers(leases, [](const Lease& lease) { return lease.token; })};
  }
  static std::vector<Param> params_of(std::span<const NewJob> jobs, Time now) {
    return queue::params_of(jobs, now);
  }

  Result<std::vector<bool>> finish(Line& line, const std::string& what,
                                   std::span<const Lease> leases, Time now, Time until) {
    std::vector<Param> params = params_of(leases, now);
    params.push_back(text(what));
    params.push_back(text(number(until)));
    VECMILL_ASSIGN(const Rows rows,
                   call(line, "finish", "$1, $2::bigint, $3, $4, $5, $6::bigint", params));
    return letters(rows.at(0, 0));
  }

  /// Five parameters: ids, group, cause, state, after.
  static std::vector<Param> filter(const JobFilter& which) {
    return {array(which.ids, postgres::kText, [](JobId id) { return std::to_string(id); }),
            text(which.group), text(which.cause),
            text(which.state ? std::to_string(static_cast<int>(*which.state)) : std::string()),
            text(std::to_string(which.after))};
  }

  Result<std::uint64_t> change(const std::string& what, const JobFilter& which, Time now,
                               Time before) {
    std::vector<Param> params = filter(which);
    for (std::string value : {postgres::unique_name(), number(now), what, number(before)}) {
      params.push_back(text(std::move(value)));
    }
    VECMILL_ASSIGN(const Rows rows,
                   call(work_, "change",
                        "$6, $7::bigint, $8, $9::bigint, $1::text[]::bigint[], $2, $3,"
                        " NULLIF($4, '')::int, $5::bigint",
                        params));
    return rows.number(0, 0);
  }

  const std::string schema_;
  Line work_, heart_;
};

}  // namespace

Result<std::unique_ptr<Queue>> open_postgres_queue(const std::string& url, bool create) {
  VECMILL_ASSIGN(const postgres::Url parsed, postgres::parse_database(url));
  VECMILL_ASSIGN(Connection work, Connection::open(parsed));
  VECMILL_ASSIGN(Connection heart, Connection::open(parsed));
  VECMILL_ASSIGN(std::string schema, postgres::schema_of(work, parsed));
  VECMILL_TRY(postgres::prepare_objects(work, schema, queue_objects(), create));
  return std::unique_ptr<Queue>(
      std::make_unique<PostgresQueue>(std::move(work), std::move(heart), std::move(schema)));
}

}  // namespace vecmill::queue
