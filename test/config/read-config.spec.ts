import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Environment } from '../../src/config/environment';
import { readConfig } from '../../src/config/read-config';
import { CERTIFICATE } from '../messages-api/certificate';
import { fileVariable, settingsOf } from '../../src/config/setting';

const REQUIRED = {
  KAFKA_BROKERS: 'kafka-1:9092',
  MESSAGES_API_URL: 'https://api.example.com',
  MESSAGES_API_KEY: 'key-1',
};
const { cert: CERT, key: KEY } = CERTIFICATE;
/** The same key with a pass phrase, and the key of another certificate. */
const ENCRYPTED_KEY = createPrivateKey(KEY)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'planted' })
  .toString();
const OTHER_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

function configOf(env: NodeJS.ProcessEnv) {
  const reading = readConfig({ ...REQUIRED, ...env });
  if (!reading.ok) throw new Error(reading.faults.join('\n'));
  return reading.config;
}

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  const reading = readConfig({ ...REQUIRED, ...env });
  return reading.ok ? [] : reading.faults;
}

describe('readConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function fileOf(content: string): string {
    const path = join(folder, `file-${Math.random()}`);
    writeFileSync(path, content);
    return path;
  }

  it('fills in every default if only the required settings are set', () => {
    const none = { channel: null, workspace: null, recipient: null };
    expect(configOf({})).toEqual({
      replicaId: `${hostname()}-3000`,
      kafka: {
        brokers: ['kafka-1:9092'],
        clientId: `messages-dispatcher-${hostname()}-3000`,
        groupId: 'messages-dispatcher',
        sessionTimeoutMs: 10_000,
        ssl: null,
        sasl: null,
        topicPrefix: 'messages.',
        channels: ['whatsapp', 'messenger', 'instagram', 'telegram'],
        createTopics: false,
        maxBatchBytes: 16_777_216,
        commitIntervalMs: 25,
        maxConsumerRestarts: 10,
        maxUnrecorded: 1_024,
        publishTimeoutMs: 10_000,
      },
      intake: { maxCommands: 5_000, maxBytes: 33_554_432 },
      messagesApi: {
        url: 'https://api.example.com',
        key: 'key-1',
        workspaceKeys: {},
        keyFile: null,
        workspaceKeysFile: null,
        timeoutMs: 10_000,
        maxResponseBytes: 1_048_576,
      },
      dispatch: {
        maxInFlight: 256,
        limits: { whatsapp: none, messenger: none, instagram: none, telegram: none },
        retry: { maxAttempts: 5, baseDelayMs: 200, maxDelayMs: 30_000, retryAfterMaxMs: 3_600_000 },
        retryTopicDelays: [
          { name: '1m', delayMs: 60_000 },
          { name: '10m', delayMs: 600_000 },
          { name: '1h', delayMs: 3_600_000 },
        ],
        defaultDelivery: 'at-least-once',
      },
      settled: { redisUrl: null, ttlMs: 86_400_000, maxCommands: 10_000 },
      http: { port: 3_000 },
      shutdownTimeoutMs: 25_000,
      log: { level: 'info', format: 'json' },
    });
  });

  it('freezes the configuration deeply', () => {
    const config = configOf({ RATE_LIMIT_WHATSAPP: '80/s' });
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(config);
    expect(Object.isFrozen(config.dispatch.limits.whatsapp.channel)).toBe(true);
  });

  it('counts an empty variable as not set', () => {
    expect(configOf({ TOPIC_PREFIX: '', HTTP_PORT: '', KAFKA_SASL_USERNAME: '', MESSAGES_API_KEY_FILE: '' })).toEqual(
      configOf({}),
    );
  });

  it('ends the replica id in the port, and the client id in the replica id', () => {
    expect(configOf({ HTTP_PORT: '0' }).replicaId).toBe(`${hostname()}-0`);
    expect(configOf({ KAFKA_CLIENT_ID: 'c', REPLICA_ID: 'r-1' }).kafka.clientId).toBe('c-r-1');
  });

  it('reads lists with spaces around their items, and brokers by name, IPv4 and IPv6', () => {
    const { kafka } = configOf({ KAFKA_BROKERS: 'a.b-c:1, 10.0.0.1:65535,[::1]:9092', CHANNELS: 'telegram, whatsapp' });
    expect(kafka.brokers).toEqual(['a.b-c:1', '10.0.0.1:65535', '[::1]:9092']);
    expect(kafka.channels).toEqual(['telegram', 'whatsapp']);
  });

  it('removes slashes at the end of the base URL, so that paths can follow', () => {
    expect(configOf({ MESSAGES_API_URL: 'http://127.0.0.1:8080/' }).messagesApi.url).toBe('http://127.0.0.1:8080');
    expect(configOf({ MESSAGES_API_URL: 'https://x.example/base//' }).messagesApi.url).toBe('https://x.example/base');
  });

  it('reads the limits of each channel per channel, workspace and recipient', () => {
    const { limits } = configOf({
      RATE_LIMIT_WHATSAPP: '80/s burst 40',
      RATE_LIMIT_WHATSAPP_PER_RECIPIENT: '1/6s',
      RATE_LIMIT_TELEGRAM_PER_WORKSPACE: '20/min',
    }).dispatch;
    expect(limits.whatsapp).toEqual({
      channel: { count: 80, periodMs: 1_000, burst: 40 },
      workspace: null,
      recipient: { count: 1, periodMs: 6_000, burst: 1 },
    });
    expect(limits.telegram.workspace).toEqual({ count: 20, periodMs: 60_000, burst: 1 });
  });

  it('reads each secret from a file, without one newline at its end', () => {
    const { kafka, messagesApi } = configOf({
      MESSAGES_API_KEY: undefined,
      MESSAGES_API_KEY_FILE: fileOf('file-key\n'),
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME_FILE: fileOf('user\r\n'),
      KAFKA_SASL_PASSWORD_FILE: fileOf('pass word \n\n'),
    });
    expect(messagesApi.key).toBe('file-key');
    expect(kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'user', password: 'pass word \n' });
  });

  it('reads certificates and key as PEM texts, and permits TLS without them', () => {
    const [ca, cert, key] = [CERT, CERT, KEY].map(fileOf);
    const files = { KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key };
    const read = { ca: CERT.trimEnd(), cert: CERT.trimEnd(), key: KEY.trimEnd() };
    expect(configOf({ KAFKA_SSL: 'true', ...files }).kafka.ssl).toEqual(read);
    expect(configOf({ KAFKA_SSL: 'true' }).kafka.ssl).toEqual({});
  });

  const rate = expect.stringMatching(/must be a rate such as 80\/s.*<count>/);
  const url = 'must be an http or https URL without credentials, query or fragment';
  const topicCharacters = 'must be 1 to 200 letters, digits, dots, underscores or hyphens';
  const channelList = 'must be one or more of whatsapp, messenger, instagram, telegram, comma-separated, none twice';

  it.each([
    [
      'KAFKA_BROKERS',
      'must be one or more host:port, comma-separated',
      ['kafka', 'a:0', 'a:65536', 'a:1,', '[zz]:1', '::1:9', 'a b:1'],
    ],
    ['KAFKA_CLIENT_ID', topicCharacters, ['a b', 'ä']],
    ['KAFKA_GROUP_ID', topicCharacters, ['a/b']],
    ['REPLICA_ID', topicCharacters, ['a b']],
    ['TOPIC_PREFIX', topicCharacters, ['a/', 'x'.repeat(201), 'a\n']],
    [
      'KAFKA_SESSION_TIMEOUT_MS',
      'must be a whole number from 1000 to 300000',
      ['999', '300001', '1e4', 'NaN', '+2000'],
    ],
    ['KAFKA_SSL', 'must be true or false', ['yes', 'TRUE', '1']],
    ['CREATE_TOPICS', 'must be true or false', ['on']],
    ['CHANNELS', channelList, ['sms', 'whatsapp,whatsapp', 'whatsapp,', ',']],
    ['COMMIT_INTERVAL_MS', 'must be a whole number from 1 to 2147483647', ['0', '-1', '1.5', '2147483648', '007']],
    ['CONSUMER_RESTARTS', 'must be a whole number from 0 to 1000', ['1001']],
    [
      'INTAKE_MAX_BYTES',
      'must be a whole number from 1 to 9007199254740991',
      ['0', '9007199254740993', '9'.repeat(400)],
    ],
    ['MAX_IN_FLIGHT', 'must be a whole number from 1 to 100000', ['0']],
    ['HTTP_PORT', 'must be a whole number from 0 to 65535', ['65536', '0x50']],
    [
      'MESSAGES_API_URL',
      url,
      ['api', 'ftp://a', 'http://u@a', 'http://:p@a', 'http://a?', 'http://a/?b=c', 'http://a/#b', ' http://a'],
    ],
    ['MESSAGES_API_KEY', 'must be 1 to 4096 printable ASCII characters without spaces', ['a b', 'a\nb', 'schlüssel']],
    ['RATE_LIMIT_INSTAGRAM', rate, ['80', '0/s']],
    ['RATE_LIMIT_MESSENGER_PER_WORKSPACE', rate, ['80/week']],
    ['LOG_LEVEL', 'must be one of fatal, error, warn, info, debug, trace', ['verbose', 'INFO']],
    ['LOG_FORMAT', 'must be one of json, pretty', ['xml']],
    ['DEFAULT_DELIVERY', 'must be one of at-least-once, at-most-once', ['exactly-once']],
    [
      'RETRY_TOPIC_DELAYS',
      'must be durations such as 1m,10m,1h, from 1ms to 24d, comma-separated, none twice; or empty for none',
      ['1', '1m,', '1m,60s', '0s', '25d', '1 m', '-1m'],
    ],
    ['SETTLED_TTL', 'must be a duration such as 500ms, 90s, 1m, 24h or 7d, from 1ms to 24d', ['1', '1.5h', '0d', '1w']],
    [
      'REDIS_URL',
      'must be a redis or rediss URL such as redis://:password@localhost:6379/0, a % in user name or password written as %25',
      ['localhost:6379', 'http://localhost', 'redis://', 'redis://:50%off@127.0.0.1/0', 'redis://a%:b@127.0.0.1'],
    ],
  ])('names only %s if it is malformed', (variable, message, texts) => {
    for (const text of texts) {
      const line = typeof message === 'string' ? `${variable}: ${message}` : message;
      expect(faultsOf({ [variable]: text })).toEqual([line]);
      expect(faultsOf({ [variable]: text })[0]).toMatch(new RegExp(`^${variable}: `));
    }
  });

  it.each([
    [
      'an encrypted key',
      CERT,
      ENCRYPTED_KEY,
      'KAFKA_SSL_KEY_FILE: its content must be a private key without a pass phrase, and this one is encrypted',
    ],
    [
      'the key of another certificate',
      CERT,
      OTHER_KEY,
      'KAFKA_SSL_KEY_FILE: its content must be the key of the certificate in KAFKA_SSL_CERT_FILE',
    ],
    ['a certificate for its key', CERT, CERT, 'KAFKA_SSL_KEY_FILE: its content must be a private key in PEM'],
    ['a key for a certificate', KEY, KEY, 'KAFKA_SSL_CERT_FILE: its content must be a certificate in PEM'],
  ])('names the file that is at fault if the client certificate comes with %s', (_, cert, key, line) => {
    const files = { KAFKA_SSL_CERT_FILE: fileOf(cert), KAFKA_SSL_KEY_FILE: fileOf(key) };
    const faults = faultsOf({ KAFKA_SSL: 'true', ...files });
    expect(faults).toEqual([line]);
    expect(faults.join()).not.toContain('BEGIN');
  });

  it('refuses authorities that are no certificates', () => {
    const of = (text: string): readonly string[] => faultsOf({ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: fileOf(text) });
    for (const text of [PEM, KEY, `${CERT}\n${PEM}`]) {
      expect(of(text)).toEqual(['KAFKA_SSL_CA_FILE: its content must be certificates in PEM']);
    }
    expect(of(`${CERT}\n${CERT}`)).toEqual([]);
  });

  it('says how to set each required setting that is missing', () => {
    const reading = readConfig({});
    expect(reading).toEqual({
      ok: false,
      faults: [
        'KAFKA_BROKERS: must be set: one or more host:port, comma-separated',
        'MESSAGES_API_URL: must be set: an http or https URL without credentials, query or fragment',
        'MESSAGES_API_KEY: must be set here or by MESSAGES_API_KEY_FILE: ' +
          '1 to 4096 printable ASCII characters without spaces',
      ],
    });
  });

  it('names the missing parts if SASL is set in part', () => {
    expect(faultsOf({ KAFKA_SASL_MECHANISM: 'plain' })).toEqual([
      'KAFKA_SASL_USERNAME: must be set together with KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD: must be set together with KAFKA_SASL_MECHANISM',
    ]);
    expect(faultsOf({ KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' })).toEqual([
      'KAFKA_SASL_MECHANISM: must be set together with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    ]);
  });

  it('refuses a client certificate without its key, a key without its certificate, and either without TLS', () => {
    const [cert, key] = [fileOf(CERT), fileOf(KEY)];
    expect(faultsOf({ KAFKA_SSL: 'true', KAFKA_SSL_CERT_FILE: cert })).toEqual([
      'KAFKA_SSL_KEY_FILE: must be set together with KAFKA_SSL_CERT_FILE',
    ]);
    expect(faultsOf({ KAFKA_SSL: 'true', KAFKA_SSL_KEY_FILE: key })).toEqual([
      'KAFKA_SSL_CERT_FILE: must be set together with KAFKA_SSL_KEY_FILE',
    ]);
    expect(faultsOf({ KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key })).toEqual([
      'KAFKA_SSL: must be true for the use of KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE',
    ]);
  });

  it('refuses a first retry delay that is longer than the longest', () => {
    expect(faultsOf({ RETRY_BASE_DELAY_MS: '500', RETRY_MAX_DELAY_MS: '499' })).toEqual([
      'RETRY_BASE_DELAY_MS: must be at most RETRY_MAX_DELAY_MS',
    ]);
    expect(faultsOf({ RETRY_BASE_DELAY_MS: '500', RETRY_MAX_DELAY_MS: '500' })).toEqual([]);
  });

  it('permits no retry topics (an empty list), and at-most-once as the default with Redis', () => {
    const { dispatch } = configOf({
      RETRY_TOPIC_DELAYS: '',
      DEFAULT_DELIVERY: 'at-most-once',
      REDIS_URL: 'redis://localhost:6379',
    });
    expect([dispatch.retryTopicDelays, dispatch.defaultDelivery]).toEqual([[], 'at-most-once']);
  });

  it('refuses at-most-once as the default without Redis', () => {
    expect(faultsOf({ DEFAULT_DELIVERY: 'at-most-once' })).toEqual([
      expect.stringMatching(/^DEFAULT_DELIVERY: at-most-once needs REDIS_URL/),
    ]);
  });

  it('refuses a secret that is set both ways', () => {
    expect(faultsOf({ MESSAGES_API_KEY_FILE: fileOf('other') })).toEqual([
      'MESSAGES_API_KEY: must not be set together with MESSAGES_API_KEY_FILE',
    ]);
  });

  it('names the variable of a bad file, and says what is wrong: missing, a folder, empty or malformed', () => {
    const key = (path: string) => faultsOf({ MESSAGES_API_KEY: undefined, MESSAGES_API_KEY_FILE: path });
    expect(key(join(folder, 'absent'))).toEqual(['MESSAGES_API_KEY_FILE: must name a readable file (ENOENT)']);
    expect(key(folder)).toEqual(['MESSAGES_API_KEY_FILE: must name a readable file (EISDIR)']);
    expect(key(fileOf('\n'))).toEqual(['MESSAGES_API_KEY_FILE: must name a file that is not empty']);
    expect(key(fileOf('two\nlines'))).toEqual([
      'MESSAGES_API_KEY_FILE: its content must be 1 to 4096 printable ASCII characters without spaces',
    ]);
    expect(faultsOf({ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: fileOf('no certificate') })).toEqual([
      'KAFKA_SSL_CA_FILE: its content must be PEM text',
    ]);
  });

  it('reports the faults of all settings at once, one line for each', () => {
    const env = Object.fromEntries(settingsOf(Environment).map(({ variable }) => [variable, '\0?']));
    const reading = readConfig(env);
    const named = reading.ok ? [] : reading.faults.map((line) => line.slice(0, line.indexOf(':')));
    expect(named).toEqual(settingsOf(Environment).map(({ variable }) => variable));
    expect(named).toHaveLength(53);
  });

  it('never repeats the content of a variable or a file in a fault', () => {
    const variables = settingsOf(Environment).flatMap(({ variable, carrier }) =>
      carrier === 'secret' ? [variable, fileVariable(variable)] : [variable],
    );
    const garbage = fc.stringMatching(/^zq[\x20-\x7eä\n]{6,30}$/);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...variables), garbage),
        garbage,
        fc.boolean(),
        (env, content, found) => {
          const reading = readConfig(env, (path) => {
            if (found) return content;
            throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
          });
          const text = reading.ok ? '' : reading.faults.join('\n');
          for (const value of [...Object.values(env), content]) expect(text).not.toContain(value);
        },
      ),
      { numRuns: 300 },
    );
  });
});
