import { patchRequestTimeouts } from '../../../src/kafka/kafkajs-patches/request-timeouts';

interface Entry {
  readonly correlationId: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Queue {
  isConnected: () => boolean;
  scheduleRequestTimeoutCheck(): void;
  push(request: { readonly entry: Entry; readonly expectResponse: boolean; readonly sendRequest: () => void }): void;
  destroy(): void;
}

const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 300;

describe('the patched timeouts of requests', () => {
  let queue: Queue;
  let nowMs = 0;
  const faults: Error[] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    patchRequestTimeouts(() => nowMs);
    faults.length = 0;
    queue = newQueue();
  });

  afterEach(() => {
    queue.destroy();
    jest.useRealTimers();
  });

  it.each([HOUR_MS, -HOUR_MS])('do not change if the wall clock jumps by %s ms', (jumpMs) => {
    jest.advanceTimersByTime(150);
    jest.setSystemTime(Date.now() + jumpMs);
    jest.advanceTimersByTime(150);
    expect(faults).toEqual([]);
    nowMs += TIMEOUT_MS + 1;
    jest.advanceTimersByTime(150);
    expect(faults.map(({ name }) => name)).toEqual(['KafkaJSRequestTimeoutError']);
  });

  it('apply to every connection that is still open', () => {
    const gone = newQueue();
    gone.isConnected = () => false;
    const other = newQueue();
    jest.advanceTimersByTime(150);
    nowMs += TIMEOUT_MS + 1;
    jest.advanceTimersByTime(250);
    expect(faults).toHaveLength(2);
    for (const each of [gone, other]) each.destroy();
  });

  /** A connection with one request on the wire. */
  function newQueue(): Queue {
    const RequestQueue = jest.requireActual<new (options: object) => Queue>('kafkajs/src/network/requestQueue');
    const logger = { debug: () => undefined, warn: () => undefined };
    const options = { maxInFlightRequests: 5, requestTimeout: TIMEOUT_MS, enforceRequestTimeout: true, logger };
    const made = new RequestQueue({ ...options, clientId: 'c', broker: 'b', isConnected: () => true });
    made.scheduleRequestTimeoutCheck();
    const entry = { correlationId: 1, resolve: () => undefined, reject: (error: Error) => faults.push(error) };
    made.push({ entry, expectResponse: true, sendRequest: () => undefined });
    return made;
  }
});
