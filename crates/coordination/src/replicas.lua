-- KEYS[1]: the replicas, by when they were last seen. ARGV: the id of this replica, and 1 if it leaves. Returns the number of replicas
-- that were seen in the last three seconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The clock of another Redis may have been ahead.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 1000, '+inf')
if ARGV[2] == '1' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3000)
redis.call('PEXPIRE', KEYS[1], 10000)
return redis.call('ZCARD', KEYS[1])
