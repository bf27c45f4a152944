import { patchWaitingRequests } from '../../../src/kafka/kafkajs-patches/waiting-requests';

interface Entry {
  readonly correlationId: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Queue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  push(request: { readonly entry: Entry; readonly expectResponse: boolean; readonly sendRequest: () => void }): void;
  fulfillRequest(answer: { readonly correlationId: number; readonly payload: Buffer; readonly size: number }): void;
  maybeThrottle(throttleMs: number): void;
  destroy(): void;
}

const MAX_IN_FLIGHT = 2;

describe('the patched check for waiting requests', () => {
  let queue: Queue;
  let sent: number[];

  beforeEach(() => {
    jest.useFakeTimers();
    patchWaitingRequests();
    const RequestQueue = jest.requireActual<new (options: object) => Queue>('kafkajs/src/network/requestQueue');
    const logger = { debug: () => undefined, warn: () => undefined };
    queue = new RequestQueue({ maxInFlightRequests: MAX_IN_FLIGHT, requestTimeout: 30_000, logger, broker: 'b' });
    sent = [];
  });

  afterEach(() => {
    queue.destroy();
    jest.useRealTimers();
  });

  it('sets no timer if no request waits, also after requests were sent and answered', () => {
    send(1);
    answer(1);
    expect(sent).toEqual([1]);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('sends a waiting request once there is room, and sets no timer afterwards', () => {
    for (const id of [1, 2, 3, 4]) send(id);
    expect(sent).toEqual([1, 2]);
    answer(2);
    expect(sent).toEqual([1, 2, 3]);
    answer(1);
    expect(sent).toEqual([1, 2, 3, 4]);
    jest.advanceTimersByTime(50);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('sends a request that waited for a throttle once the throttle has ended', () => {
    queue.maybeThrottle(80);
    send(1);
    jest.advanceTimersByTime(79);
    expect(sent).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(sent).toEqual([1]);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  function send(correlationId: number): void {
    const entry = { correlationId, resolve: () => undefined, reject: () => undefined };
    queue.push({ entry, expectResponse: true, sendRequest: () => void sent.push(correlationId) });
  }

  function answer(correlationId: number): void {
    queue.fulfillRequest({ correlationId, payload: Buffer.alloc(0), size: 0 });
  }
});
