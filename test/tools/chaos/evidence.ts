import type { CallRecord } from '../../../sandbox/api';
import type { CommandRecord, Evidence, ResultRecord } from '../../../tools/chaos/account';

const TOPIC = 'p.commands.whatsapp';

/** Command `n`, produced at `n` × 100 ms. */
export function command(n: number, changes: Partial<CommandRecord> = {}): CommandRecord {
  return { id: `c-${n}`, topic: TOPIC, partition: n % 2, offset: String(n), atMs: n * 100, ...changes };
}

/** Its result, 60 ms after that. */
export function result(n: number, changes: Partial<ResultRecord> = {}): ResultRecord {
  const source = { topic: TOPIC, partition: n % 2, offset: String(n) };
  return { commandId: `c-${n}`, outcome: 'accepted', source, atMs: n * 100 + 60, ...changes };
}

/** Its call, 10 ms after it was produced. */
export function call(n: number, changes: Partial<CallRecord> = {}): CallRecord {
  const at = n * 100 + 10;
  return {
    at,
    path: '/',
    key: `c-${n}`,
    recipient: 'r',
    workspace: 'w-1',
    status: 200,
    fault: null,
    accepted: true,
    ...changes,
  };
}

/** Commands 1 to 4, each called once and settled once, without any fault. */
export function perfectEvidence(): Evidence {
  const numbers = [1, 2, 3, 4];
  return {
    commands: numbers.map((n) => command(n)),
    results: numbers.map((n) => result(n)),
    calls: numbers.map((n) => call(n)),
    report: { duplicates: 0, orderViolations: 0, overlaps: 0 },
    cuts: [],
    roundTripMs: 50,
    endMs: 1_000,
    prefix: 'p.',
  };
}
