import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthModule } from '../../src/health/health.module';
import {
  type ApiStatus,
  type ConsumerStatus,
  SERVICE_STATUS,
  type ServiceStatus,
} from '../../src/health/service-status';
import { createLogger } from '../../src/observability/logger';
import { NestLogger } from '../../src/observability/nest-logger';
import { ObservabilityModule } from '../../src/observability/observability.module';

const JOINED: ConsumerStatus = { name: 'messages.commands.whatsapp', hasJoined: true, outForMs: 0, isDead: false };

const HEALTHY: ApiStatus = { isDown: false, channels: [], keysRefused: 0, workspacesRefused: 0 };
const ONE_CHANNEL_DOWN = [
  { channel: 'whatsapp', isOpen: false, openWorkspaces: 2 },
  { channel: 'telegram', isOpen: true, openWorkspaces: 1 },
];

interface State {
  consumers: readonly ConsumerStatus[];
  isStarted: boolean;
  isDraining: boolean;
  dispatchOverdueMs: number;
  api: ApiStatus;
  isSettledStoreAvailable: boolean;
  unrecordedTopics: readonly string[];
  unwritableTopics: readonly string[];
  haltedBy: readonly string[];
}

const WORKING: State = {
  consumers: [JOINED, { ...JOINED, name: 'messages.commands.whatsapp.bulk' }],
  isStarted: true,
  isDraining: false,
  dispatchOverdueMs: 0,
  api: HEALTHY,
  isSettledStoreAvailable: true,
  unrecordedTopics: [],
  unwritableTopics: [],
  haltedBy: [],
};

let state: State;
let app: INestApplication;
let url: string;
let lines: string[];

const status: ServiceStatus = {
  consumers: () => state.consumers,
  isStarted: () => state.isStarted,
  isDraining: () => state.isDraining,
  dispatchOverdueMs: () => state.dispatchOverdueMs,
  apiHealth: () => state.api,
  isSettledStoreAvailable: () => state.isSettledStoreAvailable,
  unrecordedTopics: () => state.unrecordedTopics,
  unwritableTopics: () => state.unwritableTopics,
  haltedBy: () => state.haltedBy,
};

@Module({ providers: [{ provide: SERVICE_STATUS, useValue: status }], exports: [SERVICE_STATUS] })
class StatusModule {}

beforeEach(async () => {
  state = WORKING;
  lines = [];
  const logger = createLogger({ level: 'info', format: 'json' }, { write: (line: string) => void lines.push(line) });
  const root = {
    module: class Root {},
    imports: [ObservabilityModule.forRoot(logger), HealthModule.watching(StatusModule)],
  };
  app = await NestFactory.create(root, { logger: new NestLogger(logger), abortOnError: false });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});

afterEach(() => app.close());

async function probe(path: string): Promise<{ code: number; body: unknown }> {
  const response = await fetch(`${url}/${path}`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return { code: response.status, body: await response.json() };
}

async function codes(): Promise<Record<string, number>> {
  const paths = ['livez', 'readyz', 'startupz'];
  const probed = await Promise.all(paths.map(async (path) => [path, (await probe(path)).code] as const));
  return Object.fromEntries(probed);
}

const consumer = (change: Partial<ConsumerStatus>): Partial<State> => ({
  consumers: [JOINED, { ...JOINED, ...change }],
});

describe('the probes', () => {
  it.each<[string, Partial<State>, number, number, number]>([
    ['works', {}, 200, 200, 200],
    ['has not started', { isStarted: false, ...consumer({ hasJoined: false }) }, 200, 503, 503],
    ['has no consumer yet', { isStarted: false, consumers: [] }, 200, 503, 503],
    ['has had a consumer out of its group for 30 s', consumer({ outForMs: 30_000 }), 200, 200, 200],
    ['has had a consumer out of its group for longer', consumer({ outForMs: 30_001 }), 200, 503, 200],
    ['has a dead consumer', consumer({ isDead: true }), 503, 200, 200],
    ['has had its dispatch loop overdue for 30 s', { dispatchOverdueMs: 30_000 }, 200, 200, 200],
    ['has had its dispatch loop overdue for longer', { dispatchOverdueMs: 30_001 }, 503, 200, 200],
    ['drains', { isDraining: true, haltedBy: ['draining'] }, 200, 503, 200],
    ['finds the API down', { api: { ...HEALTHY, isDown: true }, haltedBy: ['api'] }, 200, 200, 200],
    ['finds a channel down', { api: { ...HEALTHY, channels: ONE_CHANNEL_DOWN } }, 200, 200, 200],
    ['is refused by the API', { api: { ...HEALTHY, keysRefused: 1 } }, 200, 200, 200],
    ['has its settled-command store away', { isSettledStoreAvailable: false }, 200, 200, 200],
    ['cannot write results', { haltedBy: ['results'] }, 200, 200, 200],
  ])('answer as the contract says while the service %s', async (_state, change, livez, readyz, startupz) => {
    state = { ...WORKING, ...change };
    expect(await codes()).toEqual({ livez, readyz, startupz });
  });

  it('read the state of the service at each request', async () => {
    expect((await probe('readyz')).code).toBe(200);
    state = { ...WORKING, isDraining: true };
    expect((await probe('readyz')).code).toBe(503);
  });

  it('name in the body what halts consumption, without failing', async () => {
    const api = { isDown: true, channels: ONE_CHANNEL_DOWN, keysRefused: 1, workspacesRefused: 4 };
    const unrecordedTopics = ['messages.commands.whatsapp'];
    state = { ...WORKING, api, unrecordedTopics, unwritableTopics: ['messages.results'], haltedBy: ['api'] };
    expect(await probe('readyz')).toMatchObject({
      code: 200,
      body: {
        status: 'degraded',
        details: {
          circuit: { status: 'degraded', open: true, channels: ['telegram'], workspaces: 3 },
          credential: { status: 'degraded', refused: true, keysRefused: 1, workspacesRefused: 4 },
          recording: { status: 'degraded', unrecorded: unrecordedTopics, unwritable: ['messages.results'] },
          consumption: { status: 'degraded', haltedBy: ['api'] },
        },
      },
    });
  });

  it('name the consumers that fail', async () => {
    state = {
      ...WORKING,
      consumers: [
        { ...JOINED, name: 'a', hasJoined: false, outForMs: 99_000 },
        { ...JOINED, name: 'b', outForMs: 31_000, isDead: true },
        { ...JOINED, name: 'c' },
      ],
    };
    expect((await probe('readyz')).body).toMatchObject({
      status: 'error',
      error: { consumers: { status: 'down', notJoined: ['a'], outOfGroup: ['b'] } },
    });
    expect((await probe('livez')).body).toMatchObject({ error: { consumers: { status: 'down', dead: ['b'] } } });
  });

  it('are neither cached nor logged, whether they fail or not', async () => {
    state = { ...WORKING, isDraining: true, dispatchOverdueMs: 60_000, isStarted: false };
    for (const path of ['livez', 'readyz', 'startupz', 'metrics', 'nothing-here']) await fetch(`${url}/${path}`);
    expect(lines).toEqual([]);
    expect((await fetch(`${url}/readyz`)).headers.get('cache-control')).toContain('no-store');
  });
});

describe('GET /metrics', () => {
  it("answers in Prometheus's text format", async () => {
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    const [mediaType, ...parameters] = (response.headers.get('content-type') ?? '').split('; ');
    expect([mediaType, new Set(parameters)]).toEqual(['text/plain', new Set(['version=0.0.4', 'charset=utf-8'])]);
    expect(await response.text()).toContain('# TYPE messages_dispatcher_settled_commands_total counter\n');
  });
});
