import type { Socket } from 'node:net';
import { MISBEHAVIOURS } from '../messages-api/misbehaviours.ts';
import { ACCEPTED, answer, startRawServer, type RawServer } from '../messages-api/raw-server.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { TestBed, type Command } from './harness';

/** A valid text. Its recipient is its ordering key. */
function text(id: string, to: string, workspace = 'w-1'): Command {
  const request = { contact: { id: to }, workspace: { id: workspace }, textMessage: 'Hello' };
  return { key: to, value: { id, type: 'text', request } };
}

/** The id of the command that a request carries. */
function idIn(request: string): string {
  return decodeURIComponent(/\r\nidempotency-key: (\S+)/i.exec(request)?.[1] ?? '');
}

/**
 * Answers that end by themselves have all the time. Calls with an endless answer are cut off soon, and tried again,
 * because on a slow machine a good call may be cut off too.
 */
const PATIENCE = [
  { isEndless: false, timeoutMs: DEADLINE_MS, attempts: 1 },
  { isEndless: true, timeoutMs: 300, attempts: 5 },
] as const;

describe.each(PATIENCE)('an API that misbehaves, without end: $isEndless', ({ isEndless, timeoutMs, attempts }) => {
  let bed: TestBed;
  let api: RawServer;
  /** How the calls of some commands are answered. All other calls get a good answer. */
  const answers = new Map<string, (socket: Socket) => void>();
  /** Number of calls for each command. */
  const calls = new Map<string, number>();

  beforeAll(async () => {
    api = await startRawServer((socket, _, request) => {
      const id = idIn(request);
      calls.set(id, (calls.get(id) ?? 0) + 1);
      const misbehave = answers.get(id);
      if (misbehave === undefined) socket.write(answer('200 OK', ACCEPTED));
      else misbehave(socket);
    });
    bed = await TestBed.start({
      settings: {
        MESSAGES_API_URL: api.url,
        MESSAGES_API_TIMEOUT_MS: String(timeoutMs),
        // One connection: the next call meets whatever a call leaves behind on it.
        MAX_IN_FLIGHT: '1',
        RETRY_MAX_ATTEMPTS: String(attempts),
        RETRY_BASE_DELAY_MS: '1',
      },
    });
  });

  afterAll(async () => {
    await bed.stop();
    await api.close();
  });

  const rows = MISBEHAVIOURS.filter((row) => row.isEndless === isEndless);
  it.each(rows)('$name: its command is $outcome, and the next ones are sent as usual', async (row) => {
    answers.set(row.name, row.answer);
    // Three other commands keep the circuit closed: it looks at all calls of some seconds.
    const others = [1, 2, 3].map((at) => text(`${row.name} + ${at}`, `c-${at}-behind-${row.name}`));
    const [place, ...behind] = await bed.produce([text(row.name, `c-${row.name}`), ...others]);
    if (place === undefined) throw new Error('nothing was produced');
    const { result } = await bed.resultOf(place);
    const expectedCalls = row.outcome === 'failed' ? attempts : 1;
    expect(result).toMatchObject({ outcome: row.outcome, httpStatus: row.httpStatus, attempts: expectedCalls });
    for (const each of behind) {
      expect((await bed.resultOf(each)).result).toMatchObject({ outcome: 'accepted', id: 'msg_81' });
    }
    expect(calls.get(row.name)).toBe(expectedCalls);
    const letter = row.outcome === 'accepted' ? null : await bed.deadLetterOf(place);
    expect(letter?.headers['outcome']).toBe(row.outcome === 'accepted' ? undefined : row.outcome);
    expect(bed.hasDeadLetter(place)).toBe(row.outcome !== 'accepted');
  });

  it('cannot redirect a call, so no other server sees the key', async () => {
    const elsewhere = await startRawServer((socket) => void socket.write(answer('200 OK', ACCEPTED)));
    try {
      const location = `location: ${elsewhere.url}/v1/messages/whatsapp/sendtext\r\n`;
      answers.set('moved', (socket) => void socket.write(answer('308 Permanent Redirect', '', location)));
      const [place] = await bed.produce([text('moved', 'c-moved')]);
      expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'rejected', httpStatus: 308 });
      expect(elsewhere.sockets).toHaveLength(0);
    } finally {
      await elsewhere.close();
    }
  });
});

describe('an API that limits one recipient for ever', () => {
  let bed: TestBed;
  let api: RawServer;
  /** The Retry-After header for each command id. */
  const retryAfters = new Map<string, string>();

  beforeAll(async () => {
    api = await startRawServer((socket, _, request) => {
      const retryAfter = retryAfters.get(idIn(request));
      const refusal = answer('429 Slow Down', '', `retry-after: ${retryAfter}\r\n`);
      socket.write(retryAfter === undefined ? answer('200 OK', ACCEPTED) : refusal);
    });
    bed = await TestBed.start({
      settings: {
        MESSAGES_API_URL: api.url,
        RETRY_MAX_ATTEMPTS: '2',
        RETRY_BASE_DELAY_MS: '10',
        RETRY_AFTER_MAX_MS: '20',
      },
    });
  });

  afterAll(async () => {
    await bed.stop();
    await api.close();
  });

  it.each(['86400', 'Fri, 31 Dec 9999 23:59:59 GMT', 'soon', '-1', '9'.repeat(400)])(
    'with Retry-After %s makes its command fail, but no other one of the same workspace',
    async (retryAfter) => {
      const limited = `limited-${retryAfter.slice(0, 9)}`;
      retryAfters.set(limited, retryAfter);
      const [place] = await bed.produce([text(limited, `c-${limited}`, limited)]);
      let isOver = false;
      const end = bed.resultOf(place).finally(() => (isOver = true));
      const others: string[] = [];
      while (!isOver) {
        const at: number = others.length;
        const [other] = await bed.produce([text(`${limited} + ${at}`, `c-${at}-${limited}`, limited)]);
        others.push((await bed.resultOf(other)).result.outcome);
      }
      expect((await end).result).toMatchObject({ outcome: 'failed', httpStatus: 429 });
      expect(others.length).toBeGreaterThanOrEqual(10);
      expect(new Set(others)).toEqual(new Set(['accepted']));
      expect((await bed.deadLetterOf(place)).headers['outcome']).toBe('failed');
    },
  );
});
