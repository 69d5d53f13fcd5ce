#include "vecmill/queue/postgres_schema.h"

#include <array>
#include <string_view>

namespace vecmill::queue {
namespace {

// state: as the enum; rank: what is claimed first; token: of the last claim. A job is written three
// times in its life: there is room for that where it stands and in the index of the ids, so that no
// page is split and the log holds what changed only, which stands together. What is dead is swept
// early.
constexpr std::string_view kTables = R"sql(
CREATE SEQUENCE @vecmill_job_ids;
CREATE SEQUENCE @vecmill_fences;
CREATE TABLE @vecmill_jobs(
  id bigint PRIMARY KEY WITH (fillfactor = 30), rank bigint NOT NULL, due bigint NOT NULL,
  made bigint NOT NULL, attempts integer NOT NULL, failures integer NOT NULL DEFAULT 0,
  crashes integer NOT NULL DEFAULT 0, claims integer NOT NULL DEFAULT 0,
  priority smallint NOT NULL, state smallint NOT NULL, token bigint NOT NULL DEFAULT 0,
  lease_ends bigint NOT NULL DEFAULT 0, ended bigint NOT NULL DEFAULT 0,
  worker text NOT NULL DEFAULT '', cause text NOT NULL DEFAULT '', message text NOT NULL DEFAULT '',
  grp text NOT NULL, key text NOT NULL, payload bytea NOT NULL)
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX ON @vecmill_jobs(rank, id) WHERE state = 0;
CREATE INDEX ON @vecmill_jobs(due) WHERE state = 1;
CREATE INDEX ON @vecmill_jobs(lease_ends) WHERE state = 2;
CREATE UNIQUE INDEX ON @vecmill_jobs(key) WHERE key <> '' AND state < 3;
CREATE INDEX ON @vecmill_jobs(cause, ended) WHERE state = 4;
CREATE TABLE @vecmill_queue_calls(request text PRIMARY KEY, at bigint NOT NULL, answer text);
CREATE INDEX ON @vecmill_queue_calls(at);
CREATE TABLE @vecmill_queue(version integer NOT NULL);
INSERT INTO @vecmill_queue VALUES (2);
)sql";

// After a lost connection a call is made again under the same name, and answers as it did. Whoever
// comes second waits here for the end of the first.
constexpr std::string_view kCalls = R"sql(
CREATE FUNCTION @vecmill_queue_begin(request_ text, now_ bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO @vecmill_queue_calls(request, at) VALUES (request_, now_) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN NULL; END IF;
  RETURN (SELECT answer FROM @vecmill_queue_calls WHERE request = request_);
END $$;
CREATE FUNCTION @vecmill_queue_end(request_ text, answer_ text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE @vecmill_queue_calls SET answer = answer_ WHERE request = request_;
  RETURN answer_;
END $$;
)sql";

// Two that submit one key are told of one job: they go one after the other.
constexpr std::string_view kSubmit = R"sql(
CREATE FUNCTION @vecmill_queue_add(now_ bigint, payloads bytea[], dues bigint[], priorities int[],
                                   attempts_ int[], groups text[], keys text[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE ids text;
BEGIN
  PERFORM pg_advisory_xact_lock('@vecmill_jobs'::regclass::oid::bigint);
  WITH input AS MATERIALIZED (
    SELECT u.*, CASE WHEN u.key = '' THEN u.n ELSE 0 END AS apart
    FROM unnest(payloads, dues, priorities, attempts_, groups, keys)
      WITH ORDINALITY AS u(payload, due, priority, attempts, grp, key, n)),
  known AS MATERIALIZED (
    SELECT j.key, j.id FROM @vecmill_jobs j
    WHERE j.key = ANY (keys) AND j.key <> '' AND j.state < 3),
  fresh AS MATERIALIZED (
    SELECT nextval('@vecmill_job_ids') AS id, s.* FROM (
      SELECT * FROM (SELECT DISTINCT ON (key, apart) * FROM input ORDER BY key, apart, n) d
      WHERE key = '' OR key NOT IN (SELECT k.key FROM known k) ORDER BY n) s),
  inserted AS (
    INSERT INTO @vecmill_jobs(id, state, rank, due, priority, attempts, made, grp, key, payload)
    SELECT id, CASE WHEN due <= now_ THEN 0 ELSE 1 END, due + (3 - priority) * 3600000, due,
           priority, attempts, now_, grp, key, payload FROM fresh)
  SELECT string_agg(coalesce(k.id, f.id)::text, ',' ORDER BY i.n) INTO ids
  FROM input i LEFT JOIN known k ON k.key = i.key
               LEFT JOIN fresh f ON f.key = i.key AND f.apart = i.apart;
  RETURN coalesce(ids, '');
END $$;
CREATE FUNCTION @vecmill_queue_submit(request_ text, now_ bigint, payloads bytea[], dues bigint[],
                                      priorities int[], attempts_ int[], groups text[], keys text[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_);
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  RETURN @vecmill_queue_end(request_, @vecmill_queue_add(now_, payloads, dues, priorities,
                                                         attempts_, groups, keys));
END $$;
CREATE FUNCTION @vecmill_queue_replace(request_ text, now_ bigint, payloads bytea[], dues bigint[],
                                       priorities int[], attempts_ int[], groups text[],
                                       keys text[], job bigint, token_ bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_);
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  UPDATE @vecmill_jobs SET state = 3, ended = now_
  WHERE id = job AND state = 2 AND token = token_ AND lease_ends > now_;
  IF NOT FOUND THEN RETURN @vecmill_queue_end(request_, 'f'); END IF;
  PERFORM @vecmill_queue_add(now_, payloads, dues, priorities, attempts_, groups, keys);
  RETURN @vecmill_queue_end(request_, 't');
END $$;
)sql";

// What another worker has in its hands is passed over, not waited for.
constexpr std::string_view kClaim = R"sql(
CREATE FUNCTION @vecmill_queue_ripen(now_ bigint, crashes_ int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE @vecmill_jobs j SET crashes = j.crashes + 1,
    state = CASE WHEN j.crashes + 1 >= crashes_ THEN 4 ELSE 0 END,
    ended = CASE WHEN j.crashes + 1 >= crashes_ THEN now_ ELSE j.ended END,
    cause = CASE WHEN j.crashes + 1 >= crashes_ THEN 'worker_died' ELSE j.cause END,
    message = CASE WHEN j.crashes + 1 >= crashes_
      THEN 'its worker ended or stood still ' || (j.crashes + 1) || ' times' ELSE j.message END
  WHERE j.id IN (SELECT id FROM @vecmill_jobs WHERE state = 2 AND lease_ends <= now_
                 FOR UPDATE SKIP LOCKED);
  UPDATE @vecmill_jobs SET state = 0
  WHERE id IN (SELECT id FROM @vecmill_jobs WHERE state = 1 AND due <= now_ ORDER BY due
               LIMIT 10000 FOR UPDATE SKIP LOCKED);
END $$;
CREATE FUNCTION @vecmill_queue_claim(request_ text, now_ bigint, count_ int, worker_ text,
                                     lease_ends_ bigint, crashes_ int)
RETURNS TABLE(id bigint, claims int, token bigint, payload bytea, grp text, priority int,
              failures int, crashes int, attempts int, rank bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  answer_ text := @vecmill_queue_begin(request_, now_);
  places tid[]; ids bigint[]; crashed int[]; fence bigint;
BEGIN
  IF answer_ IS NULL THEN
    PERFORM @vecmill_queue_ripen(now_, crashes_);
    SELECT array_agg(h.place), array_agg(h.id), array_agg(h.crashes) INTO places, ids, crashed
    FROM (SELECT j.ctid AS place, j.id, j.crashes FROM @vecmill_jobs j WHERE j.state = 0
          ORDER BY j.rank, j.id LIMIT count_ FOR UPDATE SKIP LOCKED) h;
    IF crashed[1] > 0 THEN
      places := places[1:1];
      ids := ids[1:1];
    ELSIF 0 < ANY (crashed) THEN
      SELECT array_agg(h.place), array_agg(h.id) INTO places, ids
      FROM unnest(places, ids, crashed) AS h(place, id, crashes) WHERE h.crashes = 0;
    END IF;
    PERFORM @vecmill_queue_end(request_, coalesce(array_to_string(ids, ','), ''));
    IF ids IS NULL THEN RETURN; END IF;
    fence := nextval('@vecmill_fences');
    IF fence % 64 = 0 THEN
      DELETE FROM @vecmill_queue_calls c WHERE c.at < now_ - 3600000;
    END IF;
    -- The rows are locked: they stay where they are.
    RETURN QUERY UPDATE @vecmill_jobs j SET state = 2, claims = j.claims + 1, token = fence,
        worker = worker_, lease_ends = lease_ends_ WHERE j.ctid = ANY (places)
      RETURNING j.id, j.claims, j.token, j.payload, j.grp, j.priority::int, j.failures, j.crashes,
        j.attempts, j.rank;
  ELSE
    RETURN QUERY SELECT j.id, j.claims, j.token, j.payload, j.grp, j.priority::int, j.failures,
        j.crashes, j.attempts, j.rank
      FROM @vecmill_jobs j WHERE j.id = ANY (string_to_array(answer_, ',')::bigint[]);
  END IF;
END $$;
)sql";

// An answer is a letter for each lease, t where it was still good.
constexpr std::string_view kEnds = R"sql(
CREATE FUNCTION @vecmill_queue_finish(request_ text, now_ bigint, ids bigint[], tokens bigint[],
                                      what text, until bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_); good bigint[];
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  WITH changed AS (
    UPDATE @vecmill_jobs j SET
      state = CASE what WHEN 'complete' THEN 3 WHEN 'release' THEN 0 ELSE 2 END,
      ended = CASE what WHEN 'complete' THEN now_ ELSE j.ended END,
      lease_ends = CASE what WHEN 'extend' THEN until ELSE j.lease_ends END
    FROM (SELECT * FROM unnest(ids, tokens) WITH ORDINALITY AS u(id, token, n) ORDER BY id) l
    WHERE j.id = l.id AND j.token = l.token AND j.state = 2 AND j.lease_ends > now_
    RETURNING l.n)
  SELECT array_agg(n) INTO good FROM changed;
  IF cardinality(good) = cardinality(ids) THEN
    answer_ := repeat('t', cardinality(ids));
  ELSE
    SELECT string_agg(CASE WHEN n = ANY (good) THEN 't' ELSE 'f' END, '' ORDER BY n) INTO answer_
    FROM generate_subscripts(ids, 1) n;
  END IF;
  RETURN @vecmill_queue_end(request_, coalesce(answer_, ''));
END $$;
CREATE FUNCTION @vecmill_queue_fail(request_ text, now_ bigint, ids bigint[], tokens bigint[],
                                    causes text[], messages text[], retries bigint[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_);
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  WITH leases AS (
    SELECT * FROM unnest(ids, tokens, causes, messages, retries)
      WITH ORDINALITY AS u(id, token, cause, message, retry, n)),
  held AS MATERIALIZED (
    SELECT j.id, l.n, l.cause, l.message, l.retry,
           l.retry IS NOT NULL AND j.failures + 1 < j.attempts AS again
    FROM @vecmill_jobs j JOIN leases l ON l.id = j.id AND l.token = j.token
    WHERE j.state = 2 AND j.lease_ends > now_ ORDER BY j.id FOR UPDATE OF j),
  changed AS (
    UPDATE @vecmill_jobs j SET failures = j.failures + 1, cause = h.cause, message = h.message,
      state = CASE WHEN h.again THEN 1 ELSE 4 END,
      due = CASE WHEN h.again THEN h.retry ELSE j.due END,
      rank = CASE WHEN h.again THEN h.retry + (3 - j.priority) * 3600000 ELSE j.rank END,
      ended = CASE WHEN h.again THEN j.ended ELSE now_ END
    FROM held h WHERE j.id = h.id RETURNING h.n)
  SELECT string_agg(CASE WHEN c.n IS NULL THEN 'f' ELSE 't' END, '' ORDER BY l.n) INTO answer_
  FROM leases l LEFT JOIN changed c ON c.n = l.n;
  RETURN @vecmill_queue_end(request_, coalesce(answer_, ''));
END $$;
)sql";

// A job whose key a newer one has stays dead: the newer one stands for it.
constexpr std::string_view kOperate = R"sql(
CREATE FUNCTION @vecmill_queue_change(request_ text, now_ bigint, what text, before_ bigint,
                                      ids bigint[], grp_ text, cause_ text, state_ int,
                                      after_ bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_); changed bigint;
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  IF what = 'cancel' THEN
    UPDATE @vecmill_jobs j SET state = 5, ended = now_
    WHERE j.state < 3 AND (cardinality(ids) = 0 OR j.id = ANY (ids)) AND (grp_ = '' OR j.grp = grp_)
      AND (cause_ = '' OR j.cause = cause_) AND (state_ IS NULL OR j.state = state_)
      AND j.id > after_;
  ELSE
    DELETE FROM @vecmill_jobs j
    WHERE j.state >= 3 AND j.ended < before_ AND (cardinality(ids) = 0 OR j.id = ANY (ids))
      AND (grp_ = '' OR j.grp = grp_) AND (cause_ = '' OR j.cause = cause_)
      AND (state_ IS NULL OR j.state = state_) AND j.id > after_;
  END IF;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN @vecmill_queue_end(request_, changed::text);
END $$;
CREATE FUNCTION @vecmill_queue_revive(request_ text, now_ bigint, ids bigint[], payloads bytea[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer_ text := @vecmill_queue_begin(request_, now_); revived bigint := 0;
BEGIN
  IF answer_ IS NOT NULL THEN RETURN answer_; END IF;
  FOR i IN 1 .. coalesce(array_length(ids, 1), 0) LOOP
    BEGIN
      UPDATE @vecmill_jobs SET state = 0, failures = 0, crashes = 0, due = now_,
        rank = now_ + (3 - priority) * 3600000, payload = payloads[i]
      WHERE id = ids[i] AND state = 4;
      IF FOUND THEN revived := revived + 1; END IF;
    EXCEPTION WHEN unique_violation THEN NULL;
    END;
  END LOOP;
  RETURN @vecmill_queue_end(request_, revived::text);
END $$;
)sql";

constexpr std::array kScripts{kTables, kCalls, kSubmit, kClaim, kEnds, kOperate};

}  // namespace

const postgres::Objects& queue_objects() {
  static constexpr postgres::Objects kObjects{.name = "queue",
                                              .version = 2,
                                              .scripts = kScripts,
                                              .maker = "`vecmill jobs submit` makes it"};
  return kObjects;
}

}  // namespace vecmill::queue
