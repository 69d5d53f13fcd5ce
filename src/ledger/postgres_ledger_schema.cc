#include "vecmill/ledger/postgres_ledger_schema.h"

#include <array>
#include <string_view>

namespace vecmill::ledger {
namespace {

// As in the file (ledger_file.cc): calls are never removed, totals are always their sums. The rows
// of totals change with each call and are few: what is dead is swept early.
constexpr std::string_view kTables = R"sql(
CREATE TABLE @vecmill_ledger_calls(
  id bigint PRIMARY KEY, request text NOT NULL, entered timestamptz NOT NULL DEFAULT now(),
  made bigint NOT NULL, state smallint NOT NULL DEFAULT 0, provider text NOT NULL,
  model text NOT NULL, tenant text NOT NULL, run text NOT NULL, tags text NOT NULL,
  scopes text[] NOT NULL, dims bigint NOT NULL, urgent boolean NOT NULL, texts bigint NOT NULL,
  price bigint NOT NULL, reserved bigint NOT NULL, tokens bigint NOT NULL DEFAULT 0,
  cost bigint NOT NULL DEFAULT 0, uses bytea NOT NULL);
CREATE INDEX ON @vecmill_ledger_calls(made, id);
CREATE INDEX ON @vecmill_ledger_calls(request);
CREATE INDEX ON @vecmill_ledger_calls(entered) WHERE state = 0;
CREATE TABLE @vecmill_ledger_totals(
  scope text, day bigint, spent bigint NOT NULL CHECK (spent >= 0),
  held bigint NOT NULL CHECK (held >= 0), PRIMARY KEY (scope, day))
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE TABLE @vecmill_ledger_alerts(
  budget text, start bigint, level integer, PRIMARY KEY (budget, start, level));
CREATE TABLE @vecmill_ledger(version integer NOT NULL);
INSERT INTO @vecmill_ledger VALUES (1);
)sql";

// q_most: what may be used at most for a yes, of each question. The same request again, after a
// lost connection, finds what it entered; `used` is null then. Each statement behind the lock sees
// what was committed before it was given. No request leaves before its entry is on the disk.
constexpr std::string_view kEnter = R"sql(
CREATE FUNCTION @vecmill_ledger_enter(
  request_ text, made_ bigint, providers text[], models text[], tenants text[], runs text[],
  tags_ text[], dims_ bigint[], urgent_ boolean[], texts_ bigint[], prices bigint[],
  amounts bigint[], uses_ bytea[], s_calls bigint[], s_scopes text[],
  q_scopes text[], q_from bigint[], q_to bigint[], q_most bigint[],
  OUT first_id text, OUT used text) LANGUAGE plpgsql AS $$
DECLARE last_id bigint; refused boolean;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock('@vecmill_ledger'::regclass::oid::bigint);
  SELECT min(c.id)::text INTO first_id FROM @vecmill_ledger_calls c WHERE c.request = request_;
  IF first_id IS NOT NULL THEN RETURN; END IF;
  SELECT coalesce(string_agg(x.used::text, ',' ORDER BY x.n), ''),
         coalesce(bool_or(x.used > x.most), false)
  INTO used, refused
  FROM (SELECT q.n, q.most,
          (SELECT coalesce(sum(t.spent::numeric + t.held), 0) FROM @vecmill_ledger_totals t
           WHERE t.scope = q.scope AND t.day >= q.from_ AND t.day < q.to_) AS used
        FROM unnest(q_scopes, q_from, q_to, q_most)
          WITH ORDINALITY AS q(scope, from_, to_, most, n)) x;
  IF refused THEN RETURN; END IF;
  SELECT coalesce(max(c.id), 0) INTO last_id FROM @vecmill_ledger_calls c;
  INSERT INTO @vecmill_ledger_calls(id, request, made, provider, model, tenant, run, tags, scopes,
                                    dims, urgent, texts, price, reserved, uses)
  SELECT last_id + c.n, request_, made_, c.provider, c.model, c.tenant, c.run, c.tags,
         ARRAY(SELECT s.scope FROM unnest(s_calls, s_scopes) AS s(call, scope)
               WHERE s.call = c.n - 1),
         c.dims, c.urgent, c.texts, c.price, c.amount, c.uses
  FROM unnest(providers, models, tenants, runs, tags_, dims_, urgent_, texts_, prices, amounts,
              uses_) WITH ORDINALITY
    AS c(provider, model, tenant, run, tags, dims, urgent, texts, price, amount, uses, n);
  INSERT INTO @vecmill_ledger_totals AS t(scope, day, spent, held)
  SELECT s.scope, made_ / 86400, 0, sum(amounts[s.call + 1])
  FROM unnest(s_calls, s_scopes) AS s(call, scope) GROUP BY s.scope
  ON CONFLICT (scope, day) DO UPDATE SET held = t.held + excluded.held;
  first_id := (last_id + 1)::text;
END $$;
)sql";

// A letter for each call: t it is settled now, f nothing changes, m there is none, o it was settled
// otherwise. All of them or none.
constexpr std::string_view kSettle = R"sql(
CREATE FUNCTION @vecmill_ledger_settle(first_ bigint, bills smallint[], tokens_ bigint[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE letters text;
BEGIN
  PERFORM pg_advisory_xact_lock('@vecmill_ledger'::regclass::oid::bigint);
  SELECT string_agg(CASE WHEN c.id IS NULL THEN 'm'
                         WHEN s.bill = 3 THEN CASE c.state WHEN 0 THEN 't' ELSE 'f' END
                         WHEN c.state IN (0, 3) THEN 't'
                         WHEN c.state = s.bill AND c.tokens = s.tokens THEN 'f'
                         ELSE 'o' END, '' ORDER BY s.n) INTO letters
  FROM unnest(bills, tokens_) WITH ORDINALITY AS s(bill, tokens, n)
    LEFT JOIN @vecmill_ledger_calls c ON c.id = first_ + s.n - 1;
  IF letters ~ '[mo]' THEN RETURN letters; END IF;
  WITH ended AS (
    UPDATE @vecmill_ledger_calls c
    SET state = s.bill, tokens = s.tokens, cost = ceil(s.tokens::numeric * c.price / 1000000)
    FROM unnest(bills, tokens_) WITH ORDINALITY AS s(bill, tokens, n)
    WHERE c.id = first_ + s.n - 1 AND substr(letters, s.n::integer, 1) = 't'
    RETURNING c.scopes, c.made, c.cost, c.reserved, c.state),
  changed AS (
    SELECT s.scope, e.made / 86400 AS day, sum(e.cost) AS cost, sum(e.reserved) AS reserved
    FROM ended e, unnest(e.scopes) AS s(scope) WHERE e.state <> 3 GROUP BY s.scope, e.made / 86400)
  UPDATE @vecmill_ledger_totals t SET spent = t.spent + c.cost, held = t.held - c.reserved
  FROM changed c WHERE t.scope = c.scope AND t.day = c.day;
  RETURN letters;
END $$;
)sql";

constexpr std::array kScripts{kTables, kEnter, kSettle};

}  // namespace

const postgres::Objects& ledger_objects() {
  static constexpr postgres::Objects kObjects{
      .name = "ledger",
      .scripts = kScripts,
      .maker = "it is begun by the first call to a provider that bills"};
  return kObjects;
}

}  // namespace vecmill::ledger
