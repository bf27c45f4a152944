import type { Redis } from 'ioredis';

/**
 * The scripts that Redis runs for the store of settled commands, and the format of its keys.
 *
 * The key of a command has a MessagePack array: `[1, 's', digest, redrive, settled]` for a settled command, else
 * `[1, state, digest, redrive, owner, record, attempts, perhapsSent, inDoubt, before]`:
 * - The first item is the version of this format.
 * - `state` is `c` (calling) or `w` (waiting). `redrive` and `owner` are '' for none. `perhapsSent` and `inDoubt` are 0
 *   or 1.
 * - `inDoubt` is 1 if the last owner died while it called, and the claim has not been kept since.
 * - `before` is the whole value that the claim of a redrive replaced, else ''. A release before the first call restores
 *   it.
 *
 * A value that cannot be read (a newer version, another type, damage) is claimed as in doubt. Nobody knows how that
 * command ended: `at-least-once` sends it, `at-most-once` does not.
 *
 * The lease key of a process has the generation of its connection. A command of an older connection can be stuck in the
 * network or in a frozen Redis, and be executed late. Each script refuses such a command (`stale`), since it would
 * overwrite something newer. The claim script reads the lease of another owner, whose key it cannot declare in KEYS:
 * this rules out Redis Cluster.
 */
interface SettledScripts {
  /** Renews the lease. */
  settledLease(leaseKey: string, generation: number, leaseMs: number): Promise<unknown>;
  /** Answers `[kind, …]`, then attempts and perhapsSent if the caller has claimed the command, or the settled value. */
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
  settledRemember(
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
local newest = redis.call('get', KEYS[1])
if newest and (tonumber(newest) or 0) > tonumber(ARGV[1]) then return {'stale'} end
if newest ~= ARGV[1] then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
`;

/** nil for no value; false for a value that this version cannot read. */
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
if isMine and entry[6] ~= record then return {'claimed-elsewhere'} end
if not isMine and owner ~= '' and redis.call('exists', ARGV[10] .. owner) == 1 then return {'claimed-elsewhere'} end
if not isSameRequest then return take(0, token, entry[10]) end

local diedCalling = not isMine and entry[2] == 'c'
attempts = math.max(attempts, entry[7] + (diedCalling and 1 or 0))
perhapsSent = diedCalling and 1 or math.max(perhapsSent, entry[8])
return take(diedCalling and 1 or entry[9], token, entry[10])`;

/** Both work only on the caller's own claim: ARGV[3] is its process, ARGV[4] the record. */
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

/** Overwrites the claim of any process, since the command has ended. A first outcome stays. */
const REMEMBER = `${FENCE}${READ}
local digest, redrive = ARGV[3], ARGV[4]
if entry then
  if entry[2] == 's' and (redrive == '' or redrive == entry[4]) then return {'done'} end
  if redrive == '' and entry[3] == digest then redrive = entry[4] end
end
redis.call('set', KEYS[2], cmsgpack.pack({1, 's', digest, redrive, ARGV[5]}), 'PX', ARGV[6])
return {'done'}`;

/** Makes the scripts methods of the client. Each is sent whole once per connection, then by its hash. */
export function withScripts(redis: Redis): ScriptedRedis {
  redis.defineCommand('settledLease', { numberOfKeys: 1, lua: LEASE });
  redis.defineCommand('settledClaim', { numberOfKeys: 2, lua: CLAIM });
  redis.defineCommand('settledKeep', { numberOfKeys: 2, lua: KEEP });
  redis.defineCommand('settledRemember', { numberOfKeys: 2, lua: REMEMBER });
  redis.defineCommand('settledRelease', { numberOfKeys: 2, lua: RELEASE });
  return redis as ScriptedRedis;
}
