#include "vecmill/cache/postgres_leases.h"

#include <set>
#include <utility>

#include "vecmill/postgres/parameters.h"

namespace vecmill::cache {
namespace {

using postgres::Param;
using postgres::Rows;

class PostgresLeases final : public LeaseServer {
 public:
  explicit PostgresLeases(std::shared_ptr<postgres::Client> client) : client_(std::move(client)) {}

  Result<std::vector<bool>> take(Names names, const std::string& holder, Time lease) override {
    VECMILL_ASSIGN(const Rows rows,
                   client_->run("SELECT t FROM @vecmill_leases_take($1, $2, $3::float8) t",
                                params(names, holder, lease)));
    std::set<std::string_view> there;
    for (std::size_t row = 0; row < rows.size(); ++row) there.insert(rows.at(row, 0));
    std::vector<bool> taken;
    for (const std::string& name : names) taken.push_back(there.contains(name));
    return taken;
  }

  void extend(Names names, const std::string& holder, Time time) override {
    (void)client_->run("SELECT @vecmill_leases_extend($1, $2, $3::float8)",
                       params(names, holder, time));
  }

 private:
  static std::vector<Param> params(Names names, const std::string& holder, Time time) {
    return {postgres::array(names, postgres::kBytea, [](const std::string& name) { return name; }),
            postgres::text(holder), postgres::text(std::to_string(time.count()))};
  }

  const std::shared_ptr<postgres::Client> client_;
};

}  // namespace

std::unique_ptr<LeaseServer> make_postgres_leases(std::shared_ptr<postgres::Client> client) {
  return std::make_unique<PostgresLeases>(std::move(client));
}

}  // namespace vecmill::cache
