#include "vecmill/queue/redis_scripts.h"

#include <string>

namespace vecmill::queue {
namespace {

// Keys behind the prefix: born, a hash with the queue's name (in the first version a text, so that
// neither takes the other's jobs for its own); j:ID a job, packed, and p:ID its payload, which is
// written once; sorted sets w (waiting by rank, then id), d (delayed by due), l (leased by the end
// of the lease), x (dead by id), a (all by id); hashes k (id by key of what is not ended), c (how
// many by "state:group"); counters ids and fence; r:NAME what a call answered.
//
// Time goes into calls out of a script and into turning numbers to text: jobs of a call are read
// and written together, and ids stay text.
constexpr const char* kHead = R"lua(
local K = KEYS[1]
if redis.call('HGET', K .. 'born', 'name') ~= ARGV[1] then return {'gone'} end
local call = redis.call
local STATE, RANK, DUE, PRIORITY, ATTEMPTS, MADE, GROUP, KEY, CLAIMS = 1, 2, 3, 4, 5, 6, 7, 8, 9
local FAILURES, CRASHES, TOKEN, LEASE, ENDED, WORKER, CAUSE, MESSAGE = 10, 11, 12, 13, 14, 15, 16, 17
local function padded(id) return string.sub('0000000000000000', #id + 1) .. id end
local function send(list, ...)
  local replies = {}
  for i = 1, #list, 2000 do
    local words = {...}
    for n = i, math.min(i + 1999, #list) do words[#words + 1] = list[n] end
    replies[#replies + 1] = call(unpack(words))
  end
  return replies
end
local function texts(kind, ids)
  local names, found = {}, {}
  for i, id in ipairs(ids) do names[i] = K .. kind .. id end
  for _, part in ipairs(send(names, 'MGET')) do
    for _, text in ipairs(part) do found[#found + 1] = text end
  end
  return found
end
local jobs = {}
local function look(ids)
  for i, text in ipairs(texts('j:', ids)) do
    if jobs[ids[i]] == nil then jobs[ids[i]] = text and cmsgpack.unpack(text) end
  end
end
local function bare(heads)
  local ids = {}
  for i, head in ipairs(heads) do ids[i] = string.match(head, '[1-9]%d*') end
  return ids
end
local function every(first, step)
  local ids = {}
  for i = first, #ARGV, step do ids[#ids + 1] = ARGV[i] end
  return ids
end
)lua";

constexpr const char* kChange = R"lua(
local told = call('GET', K .. 'r:' .. ARGV[2])
local deltas, changed = {}, {}
local function count(group, state, by)
  local states = deltas[group] or {}
  states[state] = (states[state] or 0) + by
  deltas[group] = states
end
local function move(id, to)
  local job = jobs[id]
  count(job[GROUP], job[STATE], -1)
  count(job[GROUP], to, 1)
  job[STATE] = to
  changed[id] = true
end
local function remember(text)
  local records = {}
  for id in pairs(changed) do
    records[#records + 1] = K .. 'j:' .. id
    records[#records + 1] = cmsgpack.pack(jobs[id])
  end
  send(records, 'MSET')
  for group, states in pairs(deltas) do
    for state, by in pairs(states) do
      if by ~= 0 then call('HINCRBY', K .. 'c', state .. ':' .. group, by) end
    end
  end
  call('SET', K .. 'r:' .. ARGV[2], text, 'PX', 600000) -- who asks again does so for half a minute
end
local function answer(text)
  remember(text)
  return {'ok', text}
end
local function finish(id, state, now)
  local job = jobs[id]
  if job[KEY] ~= '' then call('HDEL', K .. 'k', job[KEY]) end
  if state == 4 then call('ZADD', K .. 'x', id, id) end
  job[ENDED] = now
  move(id, state)
end
local function wait(id)
  call('ZADD', K .. 'w', jobs[id][RANK], padded(id))
  move(id, 0)
end
)lua";

// Six arguments a job: payload, due, priority, attempts, group, key.
constexpr const char* kAdd = R"lua(
local function add(now, first)
  local ids, payloads, all, waiting, delayed = {}, {}, {}, {}, {}
  local last = tonumber(call('GET', K .. 'ids') or 0)
  local function both(list, score, member)
    list[#list + 1] = score
    list[#list + 1] = member
  end
  for i = first, #ARGV, 6 do
    local due, priority, group, key = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 4], ARGV[i + 5]
    local id = key ~= '' and call('HGET', K .. 'k', key)
    if not id then
      last = last + 1
      id = tostring(last)
      local rank, state = due + (3 - priority) * 3600000, due <= now and 0 or 1
      jobs[id] = {state, rank, due, priority, tonumber(ARGV[i + 3]), now, group, key, 0, 0, 0, 0, 0, 0, '', '', ''}
      changed[id] = true
      count(group, state, 1)
      both(payloads, K .. 'p:' .. id, ARGV[i])
      both(all, id, id)
      if state == 0 then both(waiting, rank, padded(id)) else both(delayed, due, id) end
      if key ~= '' then call('HSET', K .. 'k', key, id) end
    end
    ids[#ids + 1] = id
  end
  call('SET', K .. 'ids', last)
  send(payloads, 'MSET')
  send(all, 'ZADD', K .. 'a')
  send(waiting, 'ZADD', K .. 'w')
  send(delayed, 'ZADD', K .. 'd')
  return table.concat(ids, ',')
end
)lua";

constexpr const char* kSubmit = R"lua(
if told then return {'ok', told} end
return answer(add(tonumber(ARGV[3]), 4))
)lua";

constexpr const char* kHeld = R"lua(
local function held(id, token, now)
  local job = jobs[id]
  return job and job[STATE] == 2 and job[TOKEN] == tonumber(token) and job[LEASE] > now
end
)lua";

constexpr const char* kReplace = R"lua(
if told then return {'ok', told} end
local now, id = tonumber(ARGV[3]), ARGV[4]
look({id})
if not held(id, ARGV[5], now) then return answer('f') end
finish(id, 3, now)
call('ZREM', K .. 'l', id)
add(now, 6)
return answer('t')
)lua";

// now, count, worker, end of the lease, crashes that are too many.
constexpr const char* kClaim = R"lua(
local now, most = tonumber(ARGV[3]), tonumber(ARGV[7])
local function crashed(id)
  local job = jobs[id]
  job[CRASHES] = job[CRASHES] + 1
  if job[CRASHES] < most then return wait(id) end
  job[CAUSE], job[MESSAGE] = 'worker_died', 'its worker ended or stood still ' .. job[CRASHES] .. ' times'
  finish(id, 4, now)
end
local function each_due(set, what)
  repeat
    local over = call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, 1000)
    look(over)
    for _, id in ipairs(over) do what(id) end
    send(over, 'ZREM', set)
  until #over < 1000
end
local function take()
  local heads = call('ZRANGE', K .. 'w', 0, ARGV[4] - 1)
  if #heads == 0 then return '' end
  local fence = call('INCR', K .. 'fence')
  local ids, taken, claimed, leases, ends = bare(heads), {}, {}, {}, tonumber(ARGV[6])
  look(ids)
  for i, head in ipairs(heads) do
    local id, job = ids[i], jobs[ids[i]]
    local suspect = job[CRASHES] > 0
    if not suspect or i == 1 then
      job[CLAIMS], job[TOKEN], job[WORKER], job[LEASE] = job[CLAIMS] + 1, fence, ARGV[5], ends
      move(id, 2)
      taken[#taken + 1], claimed[#claimed + 1] = head, id
      leases[#leases + 1], leases[#leases + 2] = ARGV[6], id
      if suspect then break end
    end
  end
  send(taken, 'ZREM', K .. 'w')
  send(leases, 'ZADD', K .. 'l')
  return table.concat(claimed, ',')
end
if not told then
  each_due(K .. 'l', crashed)
  each_due(K .. 'd', wait)
  told = take()
  remember(told)
end
local ids = {}
for id in string.gmatch(told, '%d+') do ids[#ids + 1] = id end
look(ids)
local claimed, payloads = {'ok'}, texts('p:', ids)
for i, id in ipairs(ids) do
  local job = jobs[id]
  if job then
    claimed[#claimed + 1] = {id, job[CLAIMS], job[TOKEN], payloads[i], job[GROUP], job[PRIORITY],
                             job[FAILURES], job[CRASHES], job[ATTEMPTS]}
  end
end
return claimed
)lua";

// now, what, until, then id and token of each lease.
constexpr const char* kFinish = R"lua(
if told then return {'ok', told} end
local now, what, ends, letters, gone = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), {}, {}
local ids = every(6, 2)
look(ids)
for i, id in ipairs(ids) do
  local good = held(id, ARGV[5 + 2 * i], now)
  letters[i] = good and 't' or 'f'
  if good and what == 'extend' then
    jobs[id][LEASE] = ends
    changed[id] = true
    call('ZADD', K .. 'l', ends, id)
  elseif good then
    if what == 'complete' then finish(id, 3, now) else wait(id) end
    gone[#gone + 1] = id
  end
end
send(gone, 'ZREM', K .. 'l')
return answer(table.concat(letters))
)lua";

// now, then id, token, cause, message and when to try again (empty: never) of each.
constexpr const char* kFail = R"lua(
if told then return {'ok', told} end
local now, letters = tonumber(ARGV[3]), {}
local ids = every(4, 5)
look(ids)
for i, id in ipairs(ids) do
  local at, job = 5 * i - 1, jobs[id]
  local good, retry = held(id, ARGV[at + 1], now), tonumber(ARGV[at + 4])
  letters[i] = good and 't' or 'f'
  if good then
    job[FAILURES], job[CAUSE], job[MESSAGE] = job[FAILURES] + 1, ARGV[at + 2], ARGV[at + 3]
    call('ZREM', K .. 'l', id)
    if retry and job[FAILURES] < job[ATTEMPTS] then
      job[DUE], job[RANK] = retry, retry + (3 - job[PRIORITY]) * 3600000
      call('ZADD', K .. 'd', retry, id)
      move(id, 1)
    else
      finish(id, 4, now)
    end
  end
end
return answer(table.concat(letters))
)lua";

// group, cause, state, after, how many to look at, then ids; each may be empty. The ids that are
// meant, how many were looked at, in the order of their ids, and the last of them.
constexpr const char* kChoose = R"lua(
local function choose(first)
  local group, cause, state, after = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local ids, chosen = {}, {}
  for _, id in ipairs(every(first + 5, 1)) do
    if tonumber(id) > tonumber(after) then ids[#ids + 1] = id end
  end
  if #ARGV < first + 5 then
    ids = call('ZRANGEBYSCORE', K .. (state == '4' and 'x' or 'a'), '(' .. after, '+inf', 'LIMIT', 0,
               ARGV[first + 4])
  end
  look(ids)
  for _, id in ipairs(ids) do
    local job = jobs[id]
    if job and (group == '' or job[GROUP] == group) and (cause == '' or job[CAUSE] == cause)
        and (state == '' or job[STATE] == tonumber(state)) then
      chosen[#chosen + 1] = id
    end
  end
  return chosen, #ids, ids[#ids] or after
end
)lua";

// what, time, then as above. How many were changed, how many looked at, the last of them.
constexpr const char* kOperate = R"lua(
if told then return {'ok', told} end
local what, time, done = ARGV[3], tonumber(ARGV[4]), 0
local chosen, looked, last = choose(5)
for _, id in ipairs(chosen) do
  local job = jobs[id]
  if what == 'cancel' and job[STATE] < 3 then
    call('ZREM', K .. 'w', padded(id))
    call('ZREM', K .. 'd', id)
    call('ZREM', K .. 'l', id)
    finish(id, 5, time)
    done = done + 1
  elseif what == 'purge' and job[STATE] >= 3 and job[ENDED] < time then
    call('DEL', K .. 'j:' .. id, K .. 'p:' .. id)
    call('ZREM', K .. 'a', id)
    call('ZREM', K .. 'x', id)
    count(job[GROUP], job[STATE], -1)
    done = done + 1
  end
end
return answer(done .. ' ' .. looked .. ' ' .. last)
)lua";

// now, then id and payload of each. A job whose key a newer one has stays dead: the newer one
// stands for it.
constexpr const char* kRevive = R"lua(
if told then return {'ok', told} end
local now, revived = tonumber(ARGV[3]), 0
local ids = every(4, 2)
look(ids)
for i, id in ipairs(ids) do
  local job = jobs[id]
  if job and job[STATE] == 4 and (job[KEY] == '' or call('HSETNX', K .. 'k', job[KEY], id) == 1) then
    job[FAILURES], job[CRASHES], job[DUE], job[RANK] = 0, 0, now, now + (3 - job[PRIORITY]) * 3600000
    call('SET', K .. 'p:' .. id, ARGV[3 + 2 * i])
    call('ZREM', K .. 'x', id)
    wait(id)
    revived = revived + 1
  end
end
return answer(tostring(revived))
)lua";

// A job's columns in the order of job_row.h.
constexpr const char* kList = R"lua(
local chosen, looked, last = choose(2)
local list, payloads = {'ok', looked, last}, texts('p:', chosen)
for i, id in ipairs(chosen) do
  local job = jobs[id]
  list[#list + 1] = {id, job[STATE], job[PRIORITY], job[GROUP], job[KEY], payloads[i], job[CLAIMS],
                     job[FAILURES], job[CRASHES], job[ATTEMPTS], job[MADE], job[DUE], job[LEASE],
                     job[ENDED], job[WORKER], job[CAUSE], job[MESSAGE]}
end
return list
)lua";

constexpr const char* kWake = R"lua(
local first
local function sooner(time)
  if time and (not first or tonumber(time) < first) then first = tonumber(time) end
end
sooner(call('ZRANGE', K .. 'd', 0, 0, 'WITHSCORES')[2])
sooner(call('ZRANGE', K .. 'l', 0, 0, 'WITHSCORES')[2])
local head = bare(call('ZRANGE', K .. 'w', 0, 0))
look(head)
if head[1] then sooner(jobs[head[1]][DUE]) end
return {'ok', first or ''}
)lua";

template <class... Parts>
redis::Script script(Parts... parts) {
  return redis::Script((std::string(kHead) + ... + std::string(parts)));
}

}  // namespace

RedisScripts::RedisScripts()
    : submit(script(kChange, kAdd, kSubmit)),
      replace(script(kChange, kAdd, kHeld, kReplace)),
      claim(script(kChange, kClaim)),
      finish(script(kChange, kHeld, kFinish)),
      fail(script(kChange, kHeld, kFail)),
      change(script(kChange, kChoose, kOperate)),
      revive(script(kChange, kRevive)),
      list(script(kChoose, kList)),
      wake(script(kWake)) {}

}  // namespace vecmill::queue
