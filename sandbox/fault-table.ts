import { accepted, failed, whole } from './answers.ts';
import type { Answer, Reply } from './answers.ts';

/** The values in the answer of a fault. */
interface FaultContext {
  readonly messageId: string;
  readonly redirectLocation: string;
  /** A full Retry-After line in the chosen form, or ''. */
  readonly retryAfter: string;
}

interface Fault {
  /** Whether the message is taken before the fault happens. */
  readonly accepts: boolean;
  readonly answer: (context: FaultContext) => Answer;
}

const HTML = '<!doctype html><title>Welcome</title><p>You are connected to the guest network.</p>';

/** All faults that a valid call can meet. */
export const FAULTS = {
  status401: status(401),
  status403: status(403),
  status408: status(408),
  status425: status(425),
  status429: retryLater(429),
  status500: status(500),
  status502: status(502),
  status503: status(503),
  status503RetryAfter: retryLater(503),
  status504: status(504),
  redirect: {
    accepts: false,
    answer: ({ redirectLocation }) => whole({ status: 302, headers: `Location: ${redirectLocation}\r\n`, body: '' }),
  },
  reject200: { accepts: false, answer: () => whole(failed(200, 'the contact has opted out')) },
  reject422: { accepts: false, answer: () => whole(failed(422, 'the contact has opted out')) },
  resetBeforeAcceptance: { accepts: false, answer: () => ({ delivery: 'reset' }) },
  resetAfterAcceptance: { accepts: true, answer: () => ({ delivery: 'reset' }) },
  hang: { accepts: false, answer: () => ({ delivery: 'hang' }) },
  hangAfterAcceptance: { accepts: true, answer: () => ({ delivery: 'hang' }) },
  html200: {
    accepts: true,
    answer: () => whole({ status: 200, headers: 'Content-Type: text/html\r\n', body: HTML }),
  },
  truncated200: taken('truncated', accepted),
  huge200: taken('huge', accepted),
  slowTrickle: taken('trickle', accepted),
  wrongId: taken('whole', () => ({ ...accepted(''), body: '{"id":4711,"status":"queued","error":""}' })),
} satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

/** In the order of the table. Rates are laid side by side in this order. */
export const FAULT_NAMES = Object.keys(FAULTS).filter(isFaultName);

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

function status(code: number): Fault {
  return { accepts: false, answer: () => whole(failed(code, `simulated ${code}`)) };
}

function retryLater(code: number): Fault {
  return { accepts: false, answer: ({ retryAfter }) => whole(failed(code, `simulated ${code}`, retryAfter)) };
}

function taken(delivery: 'whole' | 'truncated' | 'trickle' | 'huge', reply: (messageId: string) => Reply): Fault {
  return { accepts: true, answer: ({ messageId }) => ({ delivery, reply: reply(messageId) }) };
}
