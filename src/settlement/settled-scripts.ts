import type { Redis } from 'ioredis';

/**
 * What Redis runs for the settled-command store, one script per step, and the shape of what it keeps.
 *
 * A command's key holds a MessagePack array: `[1, 's', digest, redrive, settled]` for an ended one, else
 * `[1, state, digest, redrive, owner, record, attempts, perhapsSent, inDoubt, before]`, where
 * - the first item is the version of this shape;
 * - `state` is `c` (calling) or `w` (waiting); `redrive` and `owner` are '' for none; `perhapsSent` and `inDoubt` are 0 or 1;
 * - `inDoubt` says that the claim was taken over from a process that died while it called, and that it has not been kept since;
 * - `before` is the whole value that a redrive's claim replaced, put back where that is given up before its first call, else ''.
 * What cannot be read (a newer version, another type, damage) counts as taken over in doubt: what became of that command is not
 * known, so that `at-least-once` sends it and `at-most-once` does not.
 *
 * The lease key of a process holds the generation of its connection. A command that an older connection left behind in a
 * network or a frozen Redis is executed late or never; each script refuses those (`stale`), since what they would overwrite is
 * newer. The lease of another owner is read without being declared in KEYS, as its name is known inside only: this rules out
 * Redis Cluster.
 */
interface SettledScripts {
  /** Renews the lease. */
  settledLease(leaseKey: string, generation: number, leaseMs: number): Promise<unknown>;
  /** Answers `[kind, …]`: attempts and perhapsSent of what is the caller's now, or the settled value. */
  settledClaim(
    leaseKey: string,
    key: string,
    generation: number,
    leaseMs: number,
    digest: string,
    redrive: string,
    processId: string,
    record: string,
    attempts: number,
    perhapsSent: number,
    claimTtlMs: number,
    leasePrefix: string,
  ): Promise<unknown>;
  settledKeep(
    leaseKey: string,
    key: string,
    generation: number,
    leaseMs: number,
    processId: string,
    record: string,
    attempts: number,
    perhapsSent: number,
    claimTtlMs: number,
  ): Promise<unknown>;
  settledSettle(
    leaseKey: string,
    key: string,
    generation: number,
    leaseMs: number,
    digest: string,
    redrive: string,
    settled: string,
    ttlMs: number,
  ): Promise<unknown>;
  settledRelease(
    leaseKey: string,
    key: string,
    generation: number,
    leaseMs: number,
    processId: string,
    record: string,
    attempts: number,
    perhapsSent: number,
    claimTtlMs: number,
    ttlMs: number,
  ): Promise<unknown>;
}

export type ScriptedRedis = Redis & SettledScripts;

/** KEYS[1] is the caller's lease, ARGV[1] its generation, ARGV[2] the lease's milliseconds. */
const FENCE = `
local held = redis.call('get', KEYS[1])
if held and (tonumber(held) or 0) > tonumber(ARGV[1]) then return {'stale'} end
if held ~= ARGV[1] then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
`;

/** nil: nothing there. false: there is something, but not of ours. */
const READ = `
local function read(key)
  local raw = redis.pcall('get', key)
  if not raw then return nil end
  if type(raw) == 'table' then
    if string.find(raw.err, 'WRONGTYPE', 1, true) then return false end
    return redis.call('get', key)
  end
  local isRead, entry = pcall(cmsgpack.unpack, raw)
  if isRead and type(entry) == 'table' and entry[1] == 1 then return entry, raw end
  return false
end
local entry, raw = read(KEYS[2])
`;

const LEASE = `${FENCE}
redis.call('pexpire', KEYS[1], ARGV[2])
return {'done'}`;

const CLAIM = `${FENCE}${READ}
local digest, redrive, me, record = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local attempts, perhapsSent = tonumber(ARGV[7]), tonumber(ARGV[8])

local function take(inDoubt, token, before)
  local claim = {1, 'c', digest, token, me, record, attempts, perhapsSent, inDoubt, before}
  redis.call('set', KEYS[2], cmsgpack.pack(claim), 'PX', ARGV[9])
  return {inDoubt == 1 and 'in-doubt' or 'claimed', attempts, perhapsSent}
end

if entry == nil then return take(0, redrive, '') end
if not entry then
  perhapsSent = 1
  return take(1, redrive, '')
end

local isNewRedrive = redrive ~= '' and redrive ~= entry[4]
local isSameRequest = digest == entry[3]
if not isSameRequest and not isNewRedrive then return {'other-request'} end
local token = redrive ~= '' and redrive or entry[4]
if entry[2] == 's' then
  if not isNewRedrive then return {'settled', entry[5]} end
  return take(0, token, raw)
end

local owner = entry[5]
local isMine = owner == me
if isMine and entry[6] ~= record then return {'held'} end
if not isMine and owner ~= '' and redis.call('exists', ARGV[10] .. owner) == 1 then return {'held'} end
if not isSameRequest then return take(0, token, entry[10]) end

local diedCalling = not isMine and entry[2] == 'c'
attempts = math.max(attempts, entry[7] + (diedCalling and 1 or 0))
perhapsSent = diedCalling and 1 or math.max(perhapsSent, entry[8])
return take(diedCalling and 1 or entry[9], token, entry[10])`;

/** Both give back a claim of the caller's own: ARGV[3] is its process, ARGV[4] the record. */
const OWN_CLAIM = `${FENCE}${READ}
if not entry or entry[2] == 's' or entry[5] ~= ARGV[3] or entry[6] ~= ARGV[4] then return {'done'} end
entry[2] = 'w'
entry[7] = math.max(entry[7], tonumber(ARGV[5]))
entry[8] = math.max(entry[8], tonumber(ARGV[6]))
`;

const KEEP = `${OWN_CLAIM}
entry[9] = 0
redis.call('set', KEYS[2], cmsgpack.pack(entry), 'PX', ARGV[7])
return {'done'}`;

const RELEASE = `${OWN_CLAIM}
if entry[7] > 0 or entry[8] == 1 then
  entry[5], entry[10] = '', ''
  redis.call('set', KEYS[2], cmsgpack.pack(entry), 'PX', ARGV[7])
elseif entry[10] ~= '' then
  redis.call('set', KEYS[2], entry[10], 'PX', ARGV[8])
else
  redis.call('del', KEYS[2])
end
return {'done'}`;

/** Somebody else's claim gives way, as this is how the command ended; an end that is there already stays. */
const SETTLE = `${FENCE}${READ}
local digest, redrive = ARGV[3], ARGV[4]
if entry then
  if entry[2] == 's' and (redrive == '' or redrive == entry[4]) then return {'done'} end
  if redrive == '' and entry[3] == digest then redrive = entry[4] end
end
redis.call('set', KEYS[2], cmsgpack.pack({1, 's', digest, redrive, ARGV[5]}), 'PX', ARGV[6])
return {'done'}`;

/** Makes the scripts methods of the client. Each is sent whole once per connection, and by its hash from then on. */
export function withScripts(redis: Redis): ScriptedRedis {
  redis.defineCommand('settledLease', { numberOfKeys: 1, lua: LEASE });
  redis.defineCommand('settledClaim', { numberOfKeys: 2, lua: CLAIM });
  redis.defineCommand('settledKeep', { numberOfKeys: 2, lua: KEEP });
  redis.defineCommand('settledSettle', { numberOfKeys: 2, lua: SETTLE });
  redis.defineCommand('settledRelease', { numberOfKeys: 2, lua: RELEASE });
  return redis as ScriptedRedis;
}
