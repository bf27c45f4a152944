import type { Config } from '../../src/config/config';
import { createLogger } from '../../src/observability/logger';
import { NestLogger } from '../../src/observability/nest-logger';

const SECRET = 'planted-secret';

function recorded(log: Partial<Config['log']> = {}) {
  const lines: string[] = [];
  const logger = createLogger(
    { level: 'trace', format: 'json', ...log },
    { write: (line: string) => void lines.push(line) },
  );
  return { logger, lines, entries: () => lines.map((line): unknown => JSON.parse(line)) };
}

/** An error like those of kafkajs and undici: the sent request is one of its fields. */
function leakyError(): Error {
  return Object.assign(new TypeError('it broke'), {
    code: 'ECONNRESET',
    config: { headers: { 'x-api-key': SECRET } },
    payload: Buffer.from(SECRET),
    request: SECRET,
    cause: new Error(SECRET),
    anything: { nested: [SECRET] },
  });
}

describe('createLogger', () => {
  it('writes one line of JSON with an ISO time, the name of the level and the service', () => {
    const { logger, entries } = recorded();
    logger.warn({ topic: 'a', partition: 3, offset: 12n }, 'look');
    expect(entries()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        service: 'messages-dispatcher',
        topic: 'a',
        partition: 3,
        offset: '12',
        msg: 'look',
      },
    ]);
  });

  it('writes nothing below its level', () => {
    const { logger, lines } = recorded({ level: 'warn' });
    logger.info('not this');
    expect(lines).toEqual([]);
  });

  it('writes only name, message, code and stack of errors', () => {
    const { logger, entries } = recorded();
    logger.error({ err: leakyError() }, 'failed');
    const err = { name: 'TypeError', message: 'it broke', code: 'ECONNRESET', stack: expect.stringContaining('at ') };
    expect(entries()).toEqual([expect.objectContaining({ msg: 'failed', err })]);
  });

  it.each<[string, (log: ReturnType<typeof createLogger>) => void]>([
    ['as the field err', (log) => log.error({ err: leakyError() })],
    ['as another field', (log) => log.error({ failure: leakyError() })],
    ['in place of the fields', (log) => log.error(leakyError())],
    ['in place of the fields, with a message', (log) => log.error(leakyError(), 'failed')],
    ['deep in the fields', (log) => log.error({ a: { b: [{ c: leakyError() }] } })],
    ['deeper than any line goes', (log) => log.error({ a: { b: { c: { d: { e: { f: leakyError() } } } } } })],
    ['as a parameter of the message', (log) => log.error('failed: %o', leakyError())],
    ['as a binding of a child', (log) => log.child({ error: leakyError() }).error('failed')],
    ['through Nest', (log) => new NestLogger(log).error(leakyError(), 'Context')],
    ['through Nest, as an object', (log) => new NestLogger(log).warn({ reason: leakyError() }, 'Context')],
  ])('keeps what hangs on an error out of the line: %s', (_where, write) => {
    const { logger, lines } = recorded();
    write(logger);
    expect(lines).toHaveLength(1);
    expect(lines.join('')).not.toContain(SECRET);
    expect(lines.join('')).not.toContain(JSON.stringify([...Buffer.from(SECRET)]));
  });

  it.each(['textMessage', 'recepient', 'phoneNumber', 'x-api-key', 'Authorization', 'password', 'value', 'key'])(
    'withholds the field %s at any depth',
    (name) => {
      const { logger, lines } = recorded();
      logger.info({ [name]: SECRET, inner: { [name]: { deep: SECRET } } }, 'look');
      logger.info({ bytes: Buffer.from(SECRET) }, 'look');
      expect(lines.join('')).not.toContain(SECRET);
    },
  );

  it('survives a field that holds itself', () => {
    const { logger, lines } = recorded();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    logger.info(circle, 'round');
    expect(lines).toHaveLength(1);
  });

  it('withholds the same in the pretty format, which is for people', () => {
    const { logger, lines } = recorded({ format: 'pretty' });
    logger.error({ err: leakyError() }, 'failed');
    expect(lines.join('')).toMatch(/ERROR.*failed/);
    expect(lines.join('')).not.toContain(SECRET);
  });
});

describe('NestLogger', () => {
  it("puts Nest's context, stack and errors into fields", () => {
    const { logger, entries } = recorded();
    const nest = new NestLogger(logger);
    nest.log('Mapped a route', 'RouterExplorer');
    nest.error('it broke', 'Error: it broke\n    at x', 'ExceptionsHandler');
    nest.error(new Error('worse'), 'ExceptionsHandler');
    nest.fatal('the end');
    nest.verbose('chatter', 'Any');
    expect(entries()).toMatchObject([
      { level: 'debug', context: 'RouterExplorer', msg: 'Mapped a route' },
      { level: 'error', context: 'ExceptionsHandler', msg: 'it broke', stack: 'Error: it broke\n    at x' },
      { level: 'error', context: 'ExceptionsHandler', msg: 'worse', err: { name: 'Error', message: 'worse' } },
      { level: 'fatal', msg: 'the end' },
      { level: 'trace', context: 'Any' },
    ]);
  });
});
