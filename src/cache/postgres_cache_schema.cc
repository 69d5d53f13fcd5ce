#include "vecmill/cache/postgres_cache_schema.h"

#include <array>
#include <string_view>

namespace vecmill::cache {
namespace {

// Vectors are logged: one that a crash of the server takes away is paid for again. They do not
// compress. Their sizes are sums in several parts, so that not all who write wait for one row.
// Leases are not logged: without one a text is made twice, at worst.
constexpr std::string_view kTables = R"sql(
CREATE TABLE @vecmill_vector_rows(
  key bytea PRIMARY KEY, value bytea NOT NULL, expires bigint, used bigint NOT NULL,
  bytes bigint NOT NULL, before bigint NOT NULL);
ALTER TABLE @vecmill_vector_rows ALTER value SET STORAGE EXTERNAL;
CREATE INDEX ON @vecmill_vector_rows(expires) WHERE expires IS NOT NULL;
CREATE INDEX ON @vecmill_vector_rows(used);
CREATE TABLE @vecmill_vector_sizes(
  part integer PRIMARY KEY, rows bigint NOT NULL, bytes bigint NOT NULL)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
INSERT INTO @vecmill_vector_sizes SELECT part, 0, 0 FROM generate_series(0, 15) part;
CREATE UNLOGGED TABLE @vecmill_vector_leases(
  key bytea PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL);
CREATE INDEX ON @vecmill_vector_leases(until);
CREATE TABLE @vecmill_vectors(version integer NOT NULL);
INSERT INTO @vecmill_vectors VALUES (1);
)sql";

// Rows are locked in the order of their keys, in one pass, or not at all where others have them,
// and the sizes last: nobody waits in a circle, and nobody who reads waits. A row takes about 3 %
// more than its value, and 200 bytes; `before` is what it took before it was written last. Time is
// over when it is by the caller's clock and by the server's.
constexpr std::string_view kPut = R"sql(
CREATE FUNCTION @vecmill_vectors_now(now_ bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT least(now_, floor(extract(epoch FROM clock_timestamp()))::bigint) $$;
CREATE FUNCTION @vecmill_vectors_add(rows_ bigint, bytes_ bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE @vecmill_vector_sizes s SET rows = s.rows + rows_, bytes = s.bytes + bytes_
  WHERE s.part = pg_backend_pid() % 16 $$;
CREATE FUNCTION @vecmill_vectors_put(
  keys bytea[], values_ bytea[], ends bigint[], now_ bigint, most bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  at_ constant bigint := @vecmill_vectors_now(now_);
  twice constant integer := 2 * cardinality(keys);
  rows_ bigint; bytes_ bigint; more bigint; size bigint; over bigint; evicted bigint := 0;
BEGIN
  WITH new AS (
    INSERT INTO @vecmill_vector_rows AS r
    SELECT DISTINCT ON (n.key) n.key, n.value, n.ends, at_,
           octet_length(n.value) * 103 / 100 + 200, 0
    FROM unnest(keys, values_, ends) AS n(key, value, ends) ORDER BY n.key
    ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, expires = excluded.expires, used = excluded.used,
        bytes = excluded.bytes, before = r.bytes
    RETURNING r.bytes, r.before)
  SELECT count(*) FILTER (WHERE new.before = 0), coalesce(sum(new.bytes - new.before), 0)
  INTO rows_, bytes_ FROM new;
  WITH old AS (
    DELETE FROM @vecmill_vector_rows r WHERE r.key IN (
      SELECT o.key FROM @vecmill_vector_rows o WHERE o.expires <= at_ ORDER BY o.expires
      LIMIT twice FOR UPDATE SKIP LOCKED)
    RETURNING r.bytes)
  SELECT count(*), coalesce(sum(old.bytes), 0) INTO more, size FROM old;
  rows_ := rows_ - more; bytes_ := bytes_ - size;
  SELECT sum(s.bytes) + bytes_ - most INTO over FROM @vecmill_vector_sizes s;
  IF over > 0 THEN
    WITH first AS (
      SELECT o.key, o.used, o.bytes FROM @vecmill_vector_rows o ORDER BY o.used
      LIMIT twice FOR UPDATE SKIP LOCKED),
    counted AS (
      SELECT f.key, sum(f.bytes) OVER (ORDER BY f.used, f.key) - f.bytes AS others FROM first f),
    old AS (
      DELETE FROM @vecmill_vector_rows r WHERE r.key IN (
        SELECT c.key FROM counted c WHERE c.others < over)
      RETURNING r.bytes)
    SELECT count(*), coalesce(sum(old.bytes), 0) INTO evicted, size FROM old;
    rows_ := rows_ - evicted; bytes_ := bytes_ - size;
  END IF;
  PERFORM @vecmill_vectors_add(rows_, bytes_);
  RETURN evicted;
END $$;
)sql";

constexpr std::string_view kForget = R"sql(
CREATE FUNCTION @vecmill_vectors_drop(keys bytea[]) RETURNS void LANGUAGE sql AS $$
  WITH old AS (
    DELETE FROM @vecmill_vector_rows r WHERE r.key IN (
      SELECT o.key FROM @vecmill_vector_rows o WHERE o.key = ANY (keys) ORDER BY o.key FOR UPDATE)
    RETURNING r.bytes)
  SELECT @vecmill_vectors_add(-count(*), -coalesce(sum(old.bytes), 0)::bigint) FROM old $$;
CREATE FUNCTION @vecmill_vectors_clear() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE @vecmill_vector_rows;
  UPDATE @vecmill_vector_sizes SET rows = 0, bytes = 0;
END $$;
)sql";

// What is over is swept last: whoever has locked others' rows waits for nobody.
constexpr std::string_view kLeases = R"sql(
CREATE FUNCTION @vecmill_leases_take(keys bytea[], holder_ text, milliseconds float8)
RETURNS SETOF bytea LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY
  INSERT INTO @vecmill_vector_leases AS l
  SELECT k.key, holder_, clock_timestamp() + milliseconds * interval '1 millisecond'
  FROM (SELECT DISTINCT u.key FROM unnest(keys) u(key)) k ORDER BY k.key
  ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, until = excluded.until
  WHERE l.until <= clock_timestamp() RETURNING l.key;
  DELETE FROM @vecmill_vector_leases l WHERE l.key IN (
    SELECT o.key FROM @vecmill_vector_leases o WHERE o.until <= clock_timestamp()
    ORDER BY o.until LIMIT 100 FOR UPDATE SKIP LOCKED);
END $$;
CREATE FUNCTION @vecmill_leases_extend(keys bytea[], holder_ text, milliseconds float8)
RETURNS void LANGUAGE sql AS $$
  WITH own AS (
    SELECT l.key FROM @vecmill_vector_leases l WHERE l.key = ANY (keys) AND l.holder = holder_
    ORDER BY l.key FOR UPDATE)
  UPDATE @vecmill_vector_leases l
  SET until = clock_timestamp() + milliseconds * interval '1 millisecond'
  FROM own WHERE l.key = own.key $$;
)sql";

constexpr std::array kScripts{kTables, kPut, kForget, kLeases};

}  // namespace

const postgres::Objects& cache_objects() {
  static constexpr postgres::Objects kObjects{
      .name = "vectors",
      .scripts = kScripts,
      .maker = "they are made by the first who shares them"};
  return kObjects;
}

}  // namespace vecmill::cache
