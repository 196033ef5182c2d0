//! What Redis does for us: the arithmetic of [`doorward_judge::limit`], where the counters are.
//!
//! Lua counts in doubles: every number here is whole and below 2^53, and is written with all its digits.

use std::sync::OnceLock;

use redis::Script;

/// Takes from all counters or from none; answers what each of them held before. Four arguments each: for a
/// rate its name, what is taken and the most that may be, in microseconds; for a quota when its part of the
/// calendar began, what is taken, the most, and how long it lasts, in milliseconds.
const TAKE: &str = "
local now = tonumber(ARGV[1])
local held, after, lasts, fits = {}, {}, {}, true
for i, key in ipairs(KEYS) do
    local at = 4 * i - 2
    local start, cost, most = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    held[i] = redis.call('GET', key) or ''
    local sum
    if start == 'rate' then
        local ahead = math.min(math.max((tonumber(held[i]) or 0) - now, 0), most)
        sum = ahead + cost
        after[i] = string.format('%.0f', now + sum)
        lasts[i] = math.ceil(sum / 1000) + 1000
    else
        local since, count = string.match(held[i], '^(-?%d+) (%d+)$')
        sum = cost
        if since == start then
            sum = tonumber(count) + cost
        end
        after[i] = start .. ' ' .. string.format('%.0f', sum)
        lasts[i] = tonumber(ARGV[at + 3]) + 1000
    end
    fits = fits and sum <= most
end
if fits then
    for i, key in ipairs(KEYS) do
        redis.call('SET', key, after[i], 'PX', string.format('%.0f', lasts[i]))
    end
end
return held
";

/// Answers of each counter when the failure happened that is as far back as its limit is; counts another where
/// that was long ago, if it is to count. Two arguments each: how many, and the window in microseconds.
const FAILURES: &str = "
local now, counts = tonumber(ARGV[1]), ARGV[2] == '1'
local limiting = {}
for i, key in ipairs(KEYS) do
    local limit, length = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
    local at = redis.call('LINDEX', key, limit - 1)
    local waits = at and tonumber(at) + length > now
    if counts and not waits then
        redis.call('LPUSH', key, ARGV[1])
        redis.call('LTRIM', key, 0, limit - 1)
        redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(length / 1000) + 1000))
    end
    limiting[i] = waits and at or false
end
return limiting
";

pub(super) fn take() -> &'static Script {
    static SCRIPT: OnceLock<Script> = OnceLock::new();
    SCRIPT.get_or_init(|| Script::new(TAKE))
}

pub(super) fn failures() -> &'static Script {
    static SCRIPT: OnceLock<Script> = OnceLock::new();
    SCRIPT.get_or_init(|| Script::new(FAILURES))
}
