-- KEYS: the arrival time of each limit, in microseconds since 1970.
-- ARGV, seven for each key: microseconds per token, burst, tokens spent, tokens given back, tokens wanted, the least arrival time,
-- and 1 to grant all tokens or none. Returns for each key: tokens granted, arrival time, and the time of Redis.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for index, key in ipairs(KEYS) do
  local at = (index - 1) * 7
  local period, burst = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local spent, returned, want = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local latest = now + 2 * burst * period
  local function fit(arrival)
    return math.max(now, math.min(latest, arrival))
  end
  -- A Redis that lost its data learns what was granted from those who know it.
  local arrival = fit(math.max(tonumber(redis.call('GET', key) or 0), tonumber(ARGV[at + 6])))
  arrival = fit(arrival + (spent - returned) * period)
  local granted = math.min(want, math.max(0, math.floor((now + burst * period - arrival) / period + 1e-9)))
  if ARGV[at + 7] == '1' and granted < want then
    granted = 0
  end
  arrival = arrival + granted * period
  redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
  answers[#answers + 1] = granted
  answers[#answers + 1] = string.format('%.0f', arrival)
  answers[#answers + 1] = string.format('%.0f', now)
end
return answers
