#include "vecmill/queue/redis_scripts.h"

#include <string>

namespace vecmill::queue {
namespace {

// Keys behind the prefix: j:ID a job as a hash, in which what is missing is 0 or empty, and p:ID
// its payload, apart so that the hash stays a small one; sorted sets w (waiting by rank, then id),
// d (delayed by due), l (leased by the end of the lease), x (dead by id), a (all by id); hashes k
// (id by key of what is not ended), c (how many by "state:group"); counters ids and fence; r:NAME
// what a call answered.
constexpr const char* kHead = R"lua(
local K = KEYS[1]
if redis.call('GET', K .. 'born') ~= ARGV[1] then return {'gone'} end
local call = redis.call
local function padded(id) return string.format('%016d', id) end
local function job(id) return K .. 'j:' .. id end
local function payload(id) return K .. 'p:' .. id end
)lua";

constexpr const char* kChange = R"lua(
local told = call('GET', K .. 'r:' .. ARGV[2])
local deltas = {}
local function count(group, state, by)
  local field = state .. ':' .. group
  deltas[field] = (deltas[field] or 0) + by
end
local function move(group, from, to)
  count(group, from, -1)
  count(group, to, 1)
end
local function remember(text)
  for field, by in pairs(deltas) do
    if by ~= 0 then call('HINCRBY', K .. 'c', field, by) end
  end
  call('SET', K .. 'r:' .. ARGV[2], text, 'PX', 3600000)
end
local function answer(text)
  remember(text)
  return {'ok', text}
end
local function forget_key(key)
  if key ~= '' then call('HDEL', K .. 'k', key) end
end
)lua";

// Six arguments a job: payload, due, priority, attempts, group, key.
constexpr const char* kAdd = R"lua(
local function add(now, first)
  local ids = {}
  for i = first, #ARGV, 6 do
    local due, group, key = ARGV[i + 1], ARGV[i + 4], ARGV[i + 5]
    local id = key ~= '' and call('HGET', K .. 'k', key)
    if not id then
      id = call('INCR', K .. 'ids')
      local rank = tonumber(due) + (3 - tonumber(ARGV[i + 2])) * 3600000
      local state = tonumber(due) <= now and 0 or 1
      call('HSET', job(id), 'st', state, 'rk', rank, 'du', due, 'pr', ARGV[i + 2], 'at', ARGV[i + 3],
           'ma', now, 'gr', group, 'ke', key)
      call('SET', payload(id), ARGV[i])
      call('ZADD', K .. 'a', id, id)
      if state == 0 then call('ZADD', K .. 'w', rank, padded(id)) end
      if state == 1 then call('ZADD', K .. 'd', due, id) end
      if key ~= '' then call('HSET', K .. 'k', key, id) end
      count(group, state, 1)
    end
    ids[#ids + 1] = id
  end
  return table.concat(ids, ',')
end
)lua";

constexpr const char* kSubmit = R"lua(
if told then return {'ok', told} end
return answer(add(tonumber(ARGV[3]), 4))
)lua";

constexpr const char* kHeld = R"lua(
local function held(id, token, now)
  local found = call('HMGET', job(id), 'st', 'tk', 'le', 'gr', 'ke')
  if found[1] == '2' and found[2] == token and tonumber(found[3]) > now then
    return found[4], found[5]
  end
end
)lua";

constexpr const char* kReplace = R"lua(
if told then return {'ok', told} end
local now, id = tonumber(ARGV[3]), ARGV[4]
local group, key = held(id, ARGV[5], now)
if not group then return answer('f') end
call('HSET', job(id), 'st', 3, 'en', ARGV[3])
call('ZREM', K .. 'l', id)
forget_key(key)
move(group, 2, 3)
add(now, 6)
return answer('t')
)lua";

// now, count, worker, end of the lease, crashes that are too many.
constexpr const char* kClaim = R"lua(
local now, most = tonumber(ARGV[3]), tonumber(ARGV[7])
local function crashed(id)
  local found = call('HMGET', job(id), 'cr', 'rk', 'gr', 'ke')
  local crashes = (found[1] or 0) + 1
  if crashes < most then
    call('HSET', job(id), 'st', 0, 'cr', crashes)
    call('ZADD', K .. 'w', found[2], padded(id))
    return move(found[3], 2, 0)
  end
  call('HSET', job(id), 'st', 4, 'cr', crashes, 'en', now, 'ca', 'worker_died', 'me',
       'its worker ended or stood still ' .. crashes .. ' times')
  call('ZADD', K .. 'x', id, id)
  forget_key(found[4])
  move(found[3], 2, 4)
end
local function ripe(id)
  local found = call('HMGET', job(id), 'rk', 'gr')
  call('HSET', job(id), 'st', 0)
  call('ZADD', K .. 'w', found[1], padded(id))
  move(found[2], 1, 0)
end
local function each_due(set, what)
  repeat
    local over = call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, 1000)
    for _, id in ipairs(over) do what(id) end
    if #over > 0 then call('ZREM', set, unpack(over)) end
  until #over < 1000
end
local function take()
  local heads = call('ZRANGE', K .. 'w', 0, ARGV[4] - 1)
  if #heads == 0 then return '' end
  local fence = call('INCR', K .. 'fence')
  local taken, ids, ends = {}, {}, {}
  for i, head in ipairs(heads) do
    local id = tonumber(head)
    local found = call('HMGET', job(id), 'cr', 'cl', 'gr')
    local suspect = tonumber(found[1] or 0) > 0
    if not suspect or i == 1 then
      call('HSET', job(id), 'st', 2, 'cl', (found[2] or 0) + 1, 'tk', fence, 'wo', ARGV[5], 'le', ARGV[6])
      taken[#taken + 1], ids[#ids + 1] = head, id
      ends[#ends + 1], ends[#ends + 2] = ARGV[6], id
      move(found[3], 0, 2)
      if suspect then break end
    end
  end
  for i = 1, #taken, 1000 do
    call('ZREM', K .. 'w', unpack(taken, i, math.min(i + 999, #taken)))
    call('ZADD', K .. 'l', unpack(ends, 2 * i - 1, math.min(2 * i + 1998, #ends)))
  end
  return table.concat(ids, ',')
end
if not told then
  each_due(K .. 'l', crashed)
  each_due(K .. 'd', ripe)
  told = take()
  remember(told)
end
local jobs = {'ok'}
for id in string.gmatch(told, '%d+') do
  jobs[#jobs + 1] = id
  jobs[#jobs + 1] = call('HMGET', job(id), 'cl', 'tk', 'gr', 'pr', 'fa', 'cr', 'at')
  jobs[#jobs + 1] = call('GET', payload(id))
end
return jobs
)lua";

// now, what, until, then id and token of each lease.
constexpr const char* kFinish = R"lua(
if told then return {'ok', told} end
local now, what, letters, gone = tonumber(ARGV[3]), ARGV[4], {}, {}
for i = 6, #ARGV, 2 do
  local id = ARGV[i]
  local group, key = held(id, ARGV[i + 1], now)
  letters[#letters + 1] = group and 't' or 'f'
  if group and what == 'extend' then
    call('HSET', job(id), 'le', ARGV[5])
    call('ZADD', K .. 'l', ARGV[5], id)
  elseif group and what == 'complete' then
    call('HSET', job(id), 'st', 3, 'en', ARGV[3])
    gone[#gone + 1] = id
    forget_key(key)
    move(group, 2, 3)
  elseif group then
    call('HSET', job(id), 'st', 0)
    call('ZADD', K .. 'w', call('HGET', job(id), 'rk'), padded(id))
    gone[#gone + 1] = id
    move(group, 2, 0)
  end
end
for i = 1, #gone, 1000 do call('ZREM', K .. 'l', unpack(gone, i, math.min(i + 999, #gone))) end
return answer(table.concat(letters))
)lua";

// now, then id, token, cause, message and when to try again (empty: never) of each.
constexpr const char* kFail = R"lua(
if told then return {'ok', told} end
local now, letters = tonumber(ARGV[3]), {}
for i = 4, #ARGV, 5 do
  local id, retry = ARGV[i], ARGV[i + 4]
  local group, key = held(id, ARGV[i + 1], now)
  letters[#letters + 1] = group and 't' or 'f'
  if group then
    local found = call('HMGET', job(id), 'fa', 'at', 'pr')
    local failures = (found[1] or 0) + 1
    call('HSET', job(id), 'fa', failures, 'ca', ARGV[i + 2], 'me', ARGV[i + 3])
    call('ZREM', K .. 'l', id)
    if retry ~= '' and failures < tonumber(found[2]) then
      call('HSET', job(id), 'st', 1, 'du', retry, 'rk', retry + (3 - found[3]) * 3600000)
      call('ZADD', K .. 'd', retry, id)
      move(group, 2, 1)
    else
      call('HSET', job(id), 'st', 4, 'en', ARGV[3])
      call('ZADD', K .. 'x', id, id)
      forget_key(key)
      move(group, 2, 4)
    end
  end
end
return answer(table.concat(letters))
)lua";

// group, cause, state, after, how many to look at, then ids; each may be empty. The jobs that were
// looked at, in the order of their ids, and whether each is meant.
constexpr const char* kChoose = R"lua(
local function choose(first, fields)
  local group, cause, state, after = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local ids = {}
  for i = first + 5, #ARGV do
    if tonumber(ARGV[i]) > tonumber(after) then ids[#ids + 1] = ARGV[i] end
  end
  if #ARGV < first + 5 then
    ids = call('ZRANGEBYSCORE', K .. (state == '4' and 'x' or 'a'), '(' .. after, '+inf', 'LIMIT', 0,
               ARGV[first + 4])
  end
  local chosen = {}
  for _, id in ipairs(ids) do
    local found = call('HMGET', job(id), 'st', 'gr', 'ca', unpack(fields))
    if found[1] and (group == '' or found[2] == group) and (cause == '' or found[3] == cause)
        and (state == '' or found[1] == state) then
      found.id = id
      chosen[#chosen + 1] = found
    end
  end
  return chosen, #ids, ids[#ids] or after
end
)lua";

// what, time, then as above. How many were changed, how many looked at, the last of them.
constexpr const char* kOperate = R"lua(
if told then return {'ok', told} end
local what, time, changed = ARGV[3], tonumber(ARGV[4]), 0
local chosen, looked, last = choose(5, {'en', 'ke'})
for _, found in ipairs(chosen) do
  local id, state, group, key = found.id, tonumber(found[1]), found[2], found[5]
  if what == 'cancel' and state < 3 then
    call('HSET', job(id), 'st', 5, 'en', ARGV[4])
    call('ZREM', K .. 'w', padded(id))
    call('ZREM', K .. 'd', id)
    call('ZREM', K .. 'l', id)
    forget_key(key)
    move(group, state, 5)
    changed = changed + 1
  elseif what == 'purge' and state >= 3 and tonumber(found[4] or 0) < time then
    call('DEL', job(id), payload(id))
    call('ZREM', K .. 'a', id)
    call('ZREM', K .. 'x', id)
    count(group, state, -1)
    changed = changed + 1
  end
end
return answer(changed .. ' ' .. looked .. ' ' .. last)
)lua";

// now, then id and payload of each. A job whose key a newer one has stays dead: the newer one
// stands for it.
constexpr const char* kRevive = R"lua(
if told then return {'ok', told} end
local revived = 0
for i = 4, #ARGV, 2 do
  local id = ARGV[i]
  local found = call('HMGET', job(id), 'st', 'gr', 'ke', 'pr')
  if found[1] == '4' and (found[3] == '' or call('HSETNX', K .. 'k', found[3], id) == 1) then
    local rank = ARGV[3] + (3 - found[4]) * 3600000
    call('HSET', job(id), 'st', 0, 'fa', 0, 'cr', 0, 'du', ARGV[3], 'rk', rank)
    call('SET', payload(id), ARGV[i + 1])
    call('ZADD', K .. 'w', rank, padded(id))
    call('ZREM', K .. 'x', id)
    move(found[2], 4, 0)
    revived = revived + 1
  end
end
return answer(tostring(revived))
)lua";

// A job's columns in the order of job_row.h.
constexpr const char* kList = R"lua(
local chosen, looked, last = choose(2, {'pr', 'ke', 'cl', 'fa', 'cr', 'at', 'ma', 'du', 'le', 'en',
                                        'wo', 'ca', 'me'})
local jobs = {'ok', tostring(looked), last}
for _, found in ipairs(chosen) do
  jobs[#jobs + 1] = {found.id, found[1], found[4], found[2], found[5], call('GET', payload(found.id)),
                     unpack(found, 6)}
end
return jobs
)lua";

constexpr const char* kWake = R"lua(
local first
local function sooner(time)
  if time and (not first or tonumber(time) < tonumber(first)) then first = time end
end
sooner(call('ZRANGE', K .. 'd', 0, 0, 'WITHSCORES')[2])
sooner(call('ZRANGE', K .. 'l', 0, 0, 'WITHSCORES')[2])
local head = call('ZRANGE', K .. 'w', 0, 0)[1]
if head then sooner(call('HGET', job(tonumber(head)), 'du')) end
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
