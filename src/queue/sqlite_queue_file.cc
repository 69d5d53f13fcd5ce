#include "vecmill/queue/sqlite_queue_file.h"

#include "vecmill/base/file_format.h"
#include "vecmill/base/private_file.h"
#include "vecmill/queue/job_row.h"

namespace vecmill::queue {
namespace {

// state: as the enum; rank: what is claimed first; token: of the last claim.
constexpr FileFormat kFormat{
    .name = "queue",
    .application = 0x564D5155,  // "VMQU"
    .version = 1,
    .tables =
        "CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER, rank INTEGER,"
        " due INTEGER, priority INTEGER, attempts INTEGER, claims INTEGER DEFAULT 0,"
        " failures INTEGER DEFAULT 0, crashes INTEGER DEFAULT 0, token INTEGER DEFAULT 0,"
        " lease_ends INTEGER DEFAULT 0, made INTEGER, ended INTEGER DEFAULT 0, grp TEXT, key TEXT,"
        " worker TEXT DEFAULT '', cause TEXT DEFAULT '', message TEXT DEFAULT '', payload BLOB);"
        "CREATE INDEX waiting ON jobs(rank,id,crashes) WHERE state=0;"
        "CREATE INDEX delayed ON jobs(due) WHERE state=1;"
        "CREATE INDEX leased ON jobs(lease_ends) WHERE state=2;"
        "CREATE UNIQUE INDEX by_key ON jobs(key) WHERE key<>'' AND state<3;"
        "CREATE INDEX dead ON jobs(cause,ended) WHERE state=4;"
        "CREATE INDEX by_group ON jobs(grp);"
        "CREATE TABLE fence(last INTEGER);"
        "INSERT INTO fence VALUES(0)",
    .way_out = "use the program that wrote it, or name another file"};

/// " WHERE ..." with parameters from 1 on.
std::string where(const JobFilter& which, const std::string& condition) {
  std::string sql = " WHERE " + condition;
  if (!which.ids.empty()) sql += " AND id IN (SELECT value FROM json_each(?1))";
  if (!which.group.empty()) sql += " AND grp=?2";
  if (!which.cause.empty()) sql += " AND cause=?3";
  if (which.state) sql += " AND state=" + std::to_string(static_cast<int>(*which.state));
  if (which.after > 0) sql += " AND id>" + std::to_string(which.after);
  return sql;
}

void bind(Statement& statement, const JobFilter& which) {
  if (!which.ids.empty()) {
    std::string ids;
    for (const JobId id : which.ids) ids += (ids.empty() ? "[" : ",") + std::to_string(id);
    statement.bind(1, ids + "]");
  }
  if (!which.group.empty()) statement.bind(2, which.group);
  if (!which.cause.empty()) statement.bind(3, which.cause);
}

JobInfo read_job(const Statement& row) {
  int column = 0;
  return read_job_row([&] { return row.number(column++); }, [&] { return row.blob(column++); });
}

constexpr const char* kColumns =
    "id,state,priority,grp,key,payload,claims,failures,crashes,attempts,made,due,lease_ends,ended,"
    "worker,cause,message";

}  // namespace

Result<Database> open_queue_file(const std::filesystem::path& path) {
  VECMILL_TRY(make_private_file(path));
  VECMILL_ASSIGN(Database db, Database::open_shared(path));
  VECMILL_TRY(prepare_file(db, kFormat));
  return db;
}

Result<std::uint64_t> change_in(Database& db, const std::string& what, const JobFilter& which,
                                const std::string& condition) {
  VECMILL_ASSIGN(Statement statement, Statement::prepare(db, what + where(which, condition)));
  bind(statement, which);
  VECMILL_TRY(statement.execute());
  return db.changes();
}

Result<std::vector<JobInfo>> list_jobs(Database& db, const JobFilter& which, std::size_t limit) {
  VECMILL_ASSIGN(Statement rows,
                 Statement::prepare(db, std::string("SELECT ") + kColumns + " FROM jobs" +
                                            where(which, "true") + " ORDER BY id LIMIT " +
                                            std::to_string(limit)));
  bind(rows, which);
  std::vector<JobInfo> jobs;
  for (;;) {
    VECMILL_ASSIGN(const bool more, rows.step());
    if (!more) return jobs;
    jobs.push_back(read_job(rows));
  }
}

Result<std::vector<Count>> count_jobs(Database& db) {
  VECMILL_ASSIGN(Statement rows, Statement::prepare(db,
                                                    "SELECT grp,state,count(*) FROM jobs"
                                                    " GROUP BY grp,state ORDER BY grp,state"));
  std::vector<Count> counts;
  for (;;) {
    VECMILL_ASSIGN(const bool more, rows.step());
    if (!more) return counts;
    counts.push_back({std::string(rows.text(0)), static_cast<State>(rows.number(1)),
                      static_cast<std::uint64_t>(rows.number(2))});
  }
}

Result<std::vector<DeadCount>> count_dead(Database& db) {
  VECMILL_ASSIGN(Statement rows,
                 Statement::prepare(db,
                                    "SELECT cause,count(*),min(ended),max(ended) FROM jobs"
                                    " WHERE state=4 GROUP BY cause ORDER BY 2 DESC,1"));
  std::vector<DeadCount> counts;
  for (;;) {
    VECMILL_ASSIGN(const bool more, rows.step());
    if (!more) return counts;
    counts.push_back({std::string(rows.text(0)), static_cast<std::uint64_t>(rows.number(1)),
                      Time(Duration(rows.number(2))), Time(Duration(rows.number(3)))});
  }
}

}  // namespace vecmill::queue
