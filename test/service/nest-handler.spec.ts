import type { Socket } from 'node:net';
import { type CanActivate, type NestInterceptor, Controller, UseGuards, UseInterceptors } from '@nestjs/common';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { delay, EMPTY, map, mergeMap, type Observable, throwError, timer } from 'rxjs';
import { OPERATIONS } from '../../src/contract/operations';
import type { SendCommand } from '../../src/dispatch/ports';
import { sendByHandler, type Handler } from '../../src/service/nest-handler';
import { ApiKeys } from '../../src/messages-api/api-keys';
import type { CallResult } from '../../src/messages-api/call-result';
import { MessagesApiClient } from '../../src/messages-api/client';
import { MessagesController, SEND_MESSAGE } from '../../src/messages-api/messages.controller';
import { ACCEPTED, answer, startRawServer, type RawServer } from '../messages-api/raw-server';

const PERMIT = { maySend: true };
const COMMAND = {
  id: 'c-1',
  operation: OPERATIONS[0]!,
  workspaceId: 'w-1',
  recipient: '4915112345678',
  body: '{}',
  expiresAtMs: null,
  delivery: null,
};
const TAKEN = { kind: 'accepted', httpStatus: 200 };
const DENIED = { kind: 'not-sent', reason: 'handler' };

/** A transport that does nothing: Nest registers its handler here. */
class Handlers extends Server implements CustomTransportStrategy {
  listen(started: () => void): void {
    started();
  }
  close(): void {}
  on(): void {}
  unwrap<T>(): T {
    throw new Error('there is nothing to unwrap');
  }
}

const cleanup = new AsyncDisposableStack();
let server: RawServer;

beforeAll(async () => {
  server = await startRawServer((socket) => socket.write(answer('200 OK', ACCEPTED)));
  cleanup.defer(() => server.close());
});
afterAll(() => cleanup.disposeAsync());

/** The decorated controller in an application of Nest. The returned function calls it as the transport does. */
async function decorated(decorate: ClassDecorator, client = newClient()): Promise<SendCommand> {
  @Controller()
  class Decorated extends MessagesController {}
  decorate(Decorated);
  const config = { key: 'planted-key', workspaceKeys: {}, keyFile: null, workspaceKeysFile: null };
  const keys = new ApiKeys(config as unknown as ConstructorParameters<typeof ApiKeys>[0], () => undefined);
  const module = await Test.createTestingModule({
    controllers: [Decorated],
    providers: [
      { provide: MessagesApiClient, useValue: client },
      { provide: ApiKeys, useValue: keys },
    ],
  }).compile();
  const strategy = new Handlers();
  const app = module.createNestMicroservice({ strategy, logger: false });
  cleanup.defer(() => app.close());
  await app.init();
  return sendByHandler(strategy.getHandlerByPattern(SEND_MESSAGE) as unknown as Handler, () => undefined);
}

function newClient(baseUrl = server.url): MessagesApiClient {
  const client = new MessagesApiClient({
    baseUrl,
    timeoutMs: 20_000,
    maxConnections: 1,
    maxResponseBytes: 1 << 20,
  });
  cleanup.defer(() => client.close());
  return client;
}

const guard = (canActivate: CanActivate['canActivate']): ClassDecorator => UseGuards({ canActivate });
const interceptor = (intercept: NestInterceptor['intercept']): ClassDecorator => UseInterceptors({ intercept });
const calls = (): number => server.received().match(/POST/g)?.length ?? 0;

describe('a guard of Nest', () => {
  it.each<[string, CanActivate['canActivate']]>([
    ['denies', () => false],
    ['denies later', () => Promise.resolve(false)],
    ['throws', () => { throw new Error('planted'); }], // prettier-ignore
  ])('that %s leaves the command unsent', async (_, canActivate) => {
    const before = calls();
    const send = await decorated(guard(canActivate));
    expect(await send(COMMAND, PERMIT)).toMatchObject(DENIED);
    expect(calls()).toBe(before);
  });

  it('sees the command, and lets others pass', async () => {
    const send = await decorated(guard((context) => context.getArgByIndex<{ id: string }>(0).id !== 'c-1'));
    expect(await send(COMMAND, PERMIT)).toMatchObject(DENIED);
    expect(await send({ ...COMMAND, id: 'c-2' }, PERMIT)).toMatchObject(TAKEN);
  });
});

describe('an interceptor of Nest', () => {
  it('may delay a call and its result, and map the result', async () => {
    const marked = map((end) => ({ ...(end as CallResult), isMarked: true }));
    const send = await decorated(
      interceptor(async (_, next) => {
        await new Promise(setImmediate);
        return next.handle().pipe(delay(1), marked);
      }),
    );
    expect(await send(COMMAND, PERMIT)).toMatchObject({ ...TAKEN, isMarked: true });
  });

  it.each<[string, Observable<unknown>]>([
    ['fails', throwError(() => new Error('planted'))],
    ['answers nothing', EMPTY],
  ])('that %s before the call leaves the command unsent', async (_, instead) => {
    const before = calls();
    const send = await decorated(interceptor(() => instead));
    expect(await send(COMMAND, PERMIT)).toMatchObject(DENIED);
    expect(calls()).toBe(before);
  });

  it('that fails after the call leaves it perhaps sent', async () => {
    const fails = mergeMap(() => throwError(() => new Error('planted')));
    const send = await decorated(interceptor((_, next) => next.handle().pipe(fails)));
    expect(await send(COMMAND, PERMIT)).toMatchObject({ kind: 'perhaps-sent', reason: 'reset' });
  });

  it('that gives up while the call waits for a connection prevents the call from ever leaving', async () => {
    const asked = Promise.withResolvers<Socket>();
    const busy = await startRawServer((socket, count) =>
      count === 1 ? asked.resolve(socket) : void socket.write(answer('200 OK', ACCEPTED)),
    );
    cleanup.defer(() => busy.close());
    const client = newClient(busy.url);
    const call = () => client.call({ apiKey: 'k', path: '/x', body: '{}', idempotencyKey: 'x', permit: PERMIT });
    const send = await decorated(
      interceptor((_, next) => {
        next.handle().subscribe();
        return timer(20).pipe(mergeMap(() => throwError(() => new Error('planted'))));
      }),
      client,
    );
    const first = call();
    const socket = await asked.promise;
    expect(await send(COMMAND, PERMIT)).toMatchObject(DENIED);
    socket.write(answer('200 OK', ACCEPTED));
    expect(await first).toMatchObject(TAKEN);
    // The call that waits is next in turn.
    await new Promise(setImmediate);
    expect(await call()).toMatchObject(TAKEN);
    expect(busy.received().match(/POST/g)).toHaveLength(2);
  });

  it('is not needed: the permit is also asked without guards and interceptors', async () => {
    const send = await decorated(() => undefined);
    expect(await send(COMMAND, { maySend: false })).toEqual({ kind: 'withdrawn' });
    expect(await send(COMMAND, PERMIT)).toMatchObject(TAKEN);
  });
});
