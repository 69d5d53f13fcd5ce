#pragma once

namespace vecmill::remote {

/// How both scripts begin. KEYS[1]: the state. ARGV: the question, and what they return, as in
/// state_server.h.
inline constexpr const char* kScriptStart = R"lua(
local a = cjson.decode(ARGV[1])
local now = a.now
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
local raw = redis.call('GET', KEYS[1])
)lua";

/// policy::Limiter, in the server. KEYS: the state, the workers that were seen lately.
inline constexpr const char* kLimiterScript = R"lua(
local life, longest = 300000000, 512

local function time_for(l, units)
  return math.floor((units * l[3] + l[2] - 1) / l[2])
end

local s = raw and cmsgpack.unpack(raw)
if not s or now < s.last - 60000000 then  -- none, or the clock was set back
  s = {born = now, last = now, next = 1, hold = 0, full = {0, 0, 0, 0}, grants = {}}
end
s.last = math.max(s.last, now)
if a.born ~= 0 and a.born ~= s.born and a.expect > s.born then
  for _, l in ipairs(a.limits) do
    s.full[l[1]] = math.max(s.full[l[1]], s.born + time_for(l, l[4]))
  end
end

local verdict, id, wait = 0, 0, 0
if a.op == 'settle' then
  for _, g in ipairs(s.grants) do
    if g[1] == a.id and a.of == s.born and g[3] == 0 then
      g[3] = 1
      for _, l in ipairs(a.limits) do
        g[3 + l[1]] = math.min(a.amounts[l[1]], l[4])
      end
    end
  end
  if a.hold > 0 then s.hold = math.max(s.hold, now + a.hold) end
end

while s.grants[1] and (s.grants[1][3] == 1 or s.grants[1][2] + life < now or #s.grants > longest) do
  local g = table.remove(s.grants, 1)
  for _, l in ipairs(a.limits) do
    s.full[l[1]] = math.max(s.full[l[1]], g[2]) + time_for(l, g[3 + l[1]])
  end
end

local again, latest = s.hold, math.max(now, s.hold)
for _, l in ipairs(a.limits) do
  local full = s.full[l[1]]
  for _, g in ipairs(s.grants) do
    full = math.max(full, g[2]) + time_for(l, g[3 + l[1]])
  end
  if a.amounts[l[1]] > l[4] then verdict = 2 end
  latest = math.max(latest, full)
  again = math.max(again, full - time_for(l, l[4]) + time_for(l, a.amounts[l[1]]))
end
if a.op == 'take' and verdict == 0 then
  if again > now then
    verdict, wait = 1, again - now
  else
    id = s.next
    s.next = id + 1
    table.insert(s.grants, {id, now, 0, a.amounts[1], a.amounts[2], a.amounts[3], a.amounts[4]})
  end
end

redis.call('SET', KEYS[1], cmsgpack.pack(s), 'PX',
           math.floor((latest - now + 2 * life) / 1000))
redis.call('ZADD', KEYS[2], now, a.worker)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60000000)
redis.call('PEXPIRE', KEYS[2], 120000)
return {verdict, id, wait, s.born, now + life, redis.call('ZCARD', KEYS[2])}
)lua";

/// policy::Breaker, in the server.
inline constexpr const char* kBreakerScript = R"lua(
local b = raw and cmsgpack.unpack(raw) or
    {state = 'closed', era = now, failures = 0, probing = 0, proved = 0, until_ = 0}

local function enter(state)
  b.state, b.era = state, math.max(b.era + 1, now)
  b.failures, b.probing, b.proved = 0, 0, 0
end
local function save()
  redis.call('SET', KEYS[1], cmsgpack.pack(b), 'PX',
             math.floor(math.max(b.until_ - now, 0) / 1000) + 3600000)
end

if a.op == 'admit' then
  if b.state == 'closed' then
    if not raw then save() end
    return {1, b.era, 0}
  end
  if now >= b.until_ then
    enter('half')
    b.until_ = now + a.open_for
  end
  local granted = b.state == 'half' and b.probing < a.probes
  if granted then b.probing = b.probing + 1 end
  save()
  return {granted and 1 or 0, b.era, granted and 0 or b.until_ - now}
end

if a.era ~= b.era then return {0, b.era, 0} end
if a.op == 'cancelled' then
  if b.state == 'half' then b.probing = b.probing - 1 end
elseif a.op == 'failed' then
  b.failures = b.failures + 1
  if b.state == 'half' or b.failures >= a.failures then
    enter('open')
    b.until_ = now + a.open_for
  end
else
  if a.op == 'worked' then b.failures = 0 end
  if b.state == 'half' then
    b.proved = b.proved + 1
    if b.proved >= a.probes then enter('closed') end
  end
end
save()
return {0, b.era, 0}
)lua";

}  // namespace vecmill::remote
