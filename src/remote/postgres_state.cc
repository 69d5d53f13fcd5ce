#include "vecmill/remote/postgres_state.h"

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "vecmill/postgres/parameters.h"

namespace vecmill::remote {
namespace {

using postgres::Rows;

// Not logged: no question waits for the disk, and after a crash of the server the state is lost,
// which everybody notices; a log that is written late would bring back one of some moments before,
// with what was granted since to be granted again. Rows are few, and each question writes its own:
// what is dead is swept early. A grant is seven numbers: id, time, 1 when it is settled, amounts.
constexpr std::string_view kTables = R"sql(
CREATE UNLOGGED TABLE @vecmill_limit_states(
  name text PRIMARY KEY, born bigint NOT NULL DEFAULT 0, last bigint NOT NULL DEFAULT 0,
  next bigint NOT NULL DEFAULT 1, hold bigint NOT NULL DEFAULT 0,
  filled bigint[] NOT NULL DEFAULT '{0,0,0,0}', grants bigint[] NOT NULL DEFAULT '{}',
  workers text[] NOT NULL DEFAULT '{}', seen bigint[] NOT NULL DEFAULT '{}',
  until bigint NOT NULL DEFAULT 0)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE UNLOGGED TABLE @vecmill_breaker_states(
  name text PRIMARY KEY, state text NOT NULL DEFAULT 'new', era bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0, probing bigint NOT NULL DEFAULT 0,
  proved bigint NOT NULL DEFAULT 0, open_until bigint NOT NULL DEFAULT 0,
  until bigint NOT NULL DEFAULT 0)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE TABLE @vecmill_limits(version integer NOT NULL);
INSERT INTO @vecmill_limits VALUES (1);
)sql";

// The clock is read behind the lock: nobody's time is before that of who was there first.
constexpr std::string_view kHelpers = R"sql(
CREATE FUNCTION @vecmill_limit_now(question jsonb) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT CASE (question->>'now')::bigint WHEN 0
         THEN floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint
         ELSE (question->>'now')::bigint END $$;
CREATE FUNCTION @vecmill_limit_time(units float8, count float8, period float8) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT floor((units * period + count - 1) / count)::bigint $$;
)sql";

// policy::Limiter, as in kLimiterScript.
constexpr std::string_view kLimiter = R"sql(
CREATE FUNCTION @vecmill_limiter(name_ text, a jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  life constant bigint := 300000000;
  longest constant integer := 512;
  s @vecmill_limit_states;
  open_ bigint[]; full_ bigint[]; amounts bigint[];
  unit integer[]; count_ float8[]; period float8[]; burst float8[];
  limit_ jsonb; limits integer; oldest integer := 1; u integer; place integer;
  now_ bigint; again bigint; latest bigint; at_ bigint;
  id_ bigint := (a->>'id')::bigint; of_ bigint := (a->>'of')::bigint;
  verdict bigint := 0; wait bigint := 0;
BEGIN
  LOOP
    SELECT t.* INTO s FROM @vecmill_limit_states t WHERE t.name = name_ FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO @vecmill_limit_states(name) VALUES (name_) ON CONFLICT DO NOTHING;
  END LOOP;
  now_ := @vecmill_limit_now(a);
  limits := jsonb_array_length(a->'limits');
  FOR l IN 1..limits LOOP
    limit_ := a->'limits'->(l - 1);
    unit[l] := (limit_->>0)::integer;
    count_[l] := (limit_->>1)::float8;
    period[l] := (limit_->>2)::float8;
    burst[l] := (limit_->>3)::float8;
  END LOOP;
  amounts := translate(a->>'amounts', '[]', '{}')::bigint[];
  IF s.last = 0 THEN
    DELETE FROM @vecmill_limit_states WHERE name IN (
      SELECT t.name FROM @vecmill_limit_states t WHERE t.until < now_ AND t.name <> name_
      LIMIT 100 FOR UPDATE SKIP LOCKED);
  END IF;
  IF s.last = 0 OR now_ < s.last - 60000000 THEN  -- none, or the clock was set back
    s.born := now_; s.last := now_; s.next := 1; s.hold := 0;
    s.filled := '{0,0,0,0}'; s.grants := '{}';
  END IF;
  s.last := greatest(s.last, now_);
  open_ := s.grants; full_ := s.filled;
  IF (a->>'born')::bigint NOT IN (0, s.born) AND (a->>'expect')::bigint > s.born THEN
    FOR l IN 1..limits LOOP
      full_[unit[l]] := greatest(full_[unit[l]],
          s.born + @vecmill_limit_time(burst[l], count_[l], period[l]));
    END LOOP;
  END IF;

  IF a->>'op' = 'settle' THEN
    FOR g IN 1..cardinality(open_) BY 7 LOOP
      IF open_[g] = id_ AND of_ = s.born AND open_[g + 2] = 0 THEN
        open_[g + 2] := 1;
        FOR l IN 1..limits LOOP
          open_[g + 2 + unit[l]] := least(amounts[unit[l]], burst[l]::bigint);
        END LOOP;
      END IF;
    END LOOP;
    IF (a->>'hold')::bigint > 0 THEN s.hold := greatest(s.hold, now_ + (a->>'hold')::bigint); END IF;
  END IF;

  WHILE oldest < cardinality(open_) AND (open_[oldest + 2] = 1 OR open_[oldest + 1] + life < now_
        OR (cardinality(open_) - oldest + 1) / 7 > longest) LOOP
    FOR l IN 1..limits LOOP
      u := unit[l];
      full_[u] := greatest(full_[u], open_[oldest + 1])
          + @vecmill_limit_time(open_[oldest + 2 + u], count_[l], period[l]);
    END LOOP;
    oldest := oldest + 7;
  END LOOP;

  again := s.hold;
  latest := greatest(now_, s.hold);
  FOR l IN 1..limits LOOP
    u := unit[l];
    at_ := full_[u];
    FOR g IN oldest..cardinality(open_) BY 7 LOOP
      at_ := greatest(at_, open_[g + 1])
          + @vecmill_limit_time(open_[g + 2 + u], count_[l], period[l]);
    END LOOP;
    IF amounts[u] > burst[l] THEN verdict := 2; END IF;
    latest := greatest(latest, at_);
    again := greatest(again, at_ - @vecmill_limit_time(burst[l], count_[l], period[l])
                                 + @vecmill_limit_time(amounts[u], count_[l], period[l]));
  END LOOP;
  IF oldest > 1 THEN open_ := open_[oldest:]; END IF;
  id_ := 0;
  IF a->>'op' = 'take' AND verdict = 0 THEN
    IF again > now_ THEN
      verdict := 1; wait := again - now_;
    ELSE
      id_ := s.next;
      s.next := id_ + 1;
      open_ := open_ || id_ || now_ || 0::bigint || amounts;
    END IF;
  END IF;

  place := array_position(s.workers, a->>'worker');
  IF place IS NULL THEN
    s.workers := s.workers || (a->>'worker');
    place := cardinality(s.workers);
  END IF;
  s.seen[place] := now_;
  IF now_ - 60000000 >= ANY (s.seen) THEN
    SELECT array_agg(w.name), array_agg(w.seen) INTO s.workers, s.seen
    FROM unnest(s.workers, s.seen) AS w(name, seen) WHERE w.seen > now_ - 60000000;
  END IF;
  UPDATE @vecmill_limit_states t
  SET born = s.born, last = s.last, next = s.next, hold = s.hold, filled = full_, grants = open_,
      workers = s.workers, seen = s.seen, until = latest + 2 * life
  WHERE t.name = name_;
  RETURN ARRAY[verdict, id_, wait, s.born, now_ + life, cardinality(s.workers)];
END $$;
)sql";

// policy::Breaker, as in kBreakerScript. What changes nothing, as all does while a server works,
// needs no lock.
constexpr std::string_view kBreaker = R"sql(
CREATE FUNCTION @vecmill_breaker(name_ text, a jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  b @vecmill_breaker_states; was @vecmill_breaker_states;
  op text := a->>'op'; now_ bigint; enters text; granted boolean := false; wait bigint := 0;
  probes bigint := (a->>'probes')::bigint; open_for bigint := (a->>'open_for')::bigint;
BEGIN
  SELECT t.* INTO b FROM @vecmill_breaker_states t WHERE t.name = name_;
  IF b.state = 'closed' AND (op = 'admit' OR (op <> 'failed' AND b.failures = 0)) THEN
    RETURN ARRAY[(op = 'admit')::integer, b.era, 0];
  END IF;
  LOOP
    SELECT t.* INTO b FROM @vecmill_breaker_states t WHERE t.name = name_ FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO @vecmill_breaker_states(name) VALUES (name_) ON CONFLICT DO NOTHING;
  END LOOP;
  now_ := @vecmill_limit_now(a);
  was := b;
  IF b.state = 'new' THEN
    DELETE FROM @vecmill_breaker_states WHERE name IN (
      SELECT t.name FROM @vecmill_breaker_states t WHERE t.until < now_ AND t.name <> name_
      LIMIT 100 FOR UPDATE SKIP LOCKED);
    b.state := 'closed'; b.era := now_;
  END IF;

  IF op = 'admit' THEN
    IF b.state <> 'closed' AND now_ >= b.open_until THEN enters := 'half'; END IF;
  ELSIF (a->>'era')::bigint <> b.era THEN
    op := 'late';
  ELSIF op = 'cancelled' THEN
    IF b.state = 'half' THEN b.probing := b.probing - 1; END IF;
  ELSIF op = 'failed' THEN
    b.failures := b.failures + 1;
    IF b.state = 'half' OR b.failures >= (a->>'failures')::bigint THEN enters := 'open'; END IF;
  ELSE
    IF op = 'worked' THEN b.failures := 0; END IF;
    IF b.state = 'half' THEN
      b.proved := b.proved + 1;
      IF b.proved >= probes THEN enters := 'closed'; END IF;
    END IF;
  END IF;
  IF enters IS NOT NULL THEN
    b.state := enters; b.era := greatest(b.era + 1, now_);
    b.failures := 0; b.probing := 0; b.proved := 0;
    IF enters <> 'closed' THEN b.open_until := now_ + open_for; END IF;
  END IF;
  IF op = 'admit' THEN
    granted := b.state = 'closed' OR (b.state = 'half' AND b.probing < probes);
    IF granted AND b.state = 'half' THEN b.probing := b.probing + 1; END IF;
    IF NOT granted THEN wait := b.open_until - now_; END IF;
  END IF;
  IF b IS DISTINCT FROM was THEN
    UPDATE @vecmill_breaker_states t
    SET state = b.state, era = b.era, failures = b.failures, probing = b.probing,
        proved = b.proved, open_until = b.open_until,
        until = greatest(b.open_until, now_) + 3600000000
    WHERE t.name = name_;
  END IF;
  RETURN ARRAY[granted::integer, b.era, wait];
END $$;
)sql";

constexpr std::array kScripts{kTables, kHelpers, kLimiter, kBreaker};

class PostgresState final : public StateServer {
 public:
  PostgresState(std::shared_ptr<postgres::Client> client, std::string name)
      : client_(std::move(client)), name_(std::move(name)) {}

  Result<std::vector<std::uint64_t>> limiter(const std::string& question) override {
    return ask("limiter", question, kLimiterNumbers);
  }
  Result<std::vector<std::uint64_t>> breaker(const std::string& question) override {
    return ask("breaker", question, kBreakerNumbers);
  }

 private:
  Result<std::vector<std::uint64_t>> ask(const std::string& function, const std::string& question,
                                         std::size_t count) {
    const std::vector<postgres::Param> params{postgres::text(name_), postgres::text(question)};
    VECMILL_ASSIGN(const Rows rows, client_->run("SELECT array_to_string(@vecmill_" + function +
                                                     "($1, $2::jsonb), ',')",
                                                 params));
    std::vector<std::uint64_t> all;
    const std::string_view list = rows.at(0, 0);
    for (const char *at = list.data(), *end = at + list.size(); at < end; ++at) {
      const auto [stop, error] = std::from_chars(at, end, all.emplace_back());
      if (error != std::errc() || (stop != end && *stop != ',')) return strange();
      at = stop;
    }
    if (all.size() == count) return all;
    return strange();
  }

  [[nodiscard]] Error strange() const {
    return make_error(ErrorKind::kUnavailable, "the database answers what was not asked",
                      client_->shown());
  }

  const std::shared_ptr<postgres::Client> client_;
  const std::string name_;
};

}  // namespace

const postgres::Objects& state_objects() {
  static constexpr postgres::Objects kObjects{
      .name = "limits", .scripts = kScripts, .maker = "they are made by the first who shares them"};
  return kObjects;
}

std::unique_ptr<StateServer> make_postgres_state(std::shared_ptr<postgres::Client> client,
                                                 const std::string& name) {
  return std::make_unique<PostgresState>(std::move(client), name);
}

}  // namespace vecmill::remote
