import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes, type AclEntry } from 'kafkajs';
import type { DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { TestBed, type Command } from './harness';
import { CLI, probe, SERVICE } from './lifecycle-bed.ts';
import { runToEnd } from './lifecycle-run.ts';
import { canStartSecureKafka, makeCertificates, startSecureKafka, USERS, type Certificates } from './secure-kafka.ts';

type Settings = Record<string, string>;

/** What a service of `group` needs on the topics of a bed, and nothing else: the list in docs/security.md. */
function neededAcls(principal: string, { topics, prefix, group }: TestBed): AclEntry[] {
  const commands = topics.commands(['whatsapp']).map(({ topic }) => topic);
  return [
    ...commands.map((topic) => allow(principal, 'TOPIC', topic, 'READ')),
    allow(principal, 'TOPIC', `${prefix}retries.`, 'READ', ResourcePatternTypes.PREFIXED),
    allow(principal, 'TOPIC', `${prefix}retries.`, 'WRITE', ResourcePatternTypes.PREFIXED),
    allow(principal, 'TOPIC', topics.results, 'WRITE'),
    allow(principal, 'TOPIC', topics.deadLetters, 'WRITE'),
    allow(principal, 'GROUP', `${group}.`, 'READ', ResourcePatternTypes.PREFIXED),
  ];
}

function allow(
  principal: string,
  resource: 'TOPIC' | 'GROUP',
  resourceName: string,
  operation: 'READ' | 'WRITE' | 'DESCRIBE',
  resourcePatternType = ResourcePatternTypes.LITERAL,
): AclEntry {
  return {
    principal: `User:${principal}`,
    host: '*',
    resourceType: AclResourceTypes[resource],
    resourceName,
    resourcePatternType,
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  };
}

function text(id: string): Command {
  const request = { contact: { id: `c-${id}` }, workspace: { id: 'w-1' }, textMessage: 'Hello' };
  return { key: `c-${id}`, value: { id, type: 'text', request } };
}

(canStartSecureKafka() ? describe : describe.skip)('a Kafka with security', () => {
  let folder: string;
  let kafka: DevKafka;
  let certificates: Certificates;
  let bed: TestBed;
  /** It takes 10 s, so it runs beside the other tests. */
  let withoutTls: ReturnType<typeof runToEnd>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafka-certificates-'));
    certificates = makeCertificates(folder);
    kafka = await startSecureKafka(certificates);
    bed = await TestBed.start({ brokers: kafka.brokers, service: false });
    await bed.admin.createAcls({ acl: ['dispatcher', 'CN=dispatcher'].flatMap((user) => neededAcls(user, bed)) });
    withoutTls = start({ KAFKA_BROKERS: at('TLS') });
  });

  afterAll(async () => {
    await bed?.stop();
    await kafka?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function at(listener: string): string {
    return (kafka.listeners[listener] ?? []).join(',');
  }

  function tls(listener = 'TLS', caFile = certificates.ca): Settings {
    return { KAFKA_BROKERS: at(listener), KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: caFile };
  }

  function mutualTls(): Settings {
    const { clientCert, clientKey } = certificates;
    return { ...tls('MTLS'), KAFKA_SSL_CERT_FILE: clientCert, KAFKA_SSL_KEY_FILE: clientKey };
  }

  function sasl(mechanism: string, user: keyof typeof USERS = 'dispatcher', password: string = USERS[user]): Settings {
    return {
      KAFKA_BROKERS: at('SASL'),
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: password,
    };
  }

  function start(settings: Settings, of: TestBed = bed): ReturnType<typeof runToEnd> {
    return runToEnd(SERVICE, of.settings({ LOG_LEVEL: 'info', HTTP_PORT: '0', ...settings }));
  }

  it.each<[string, () => Settings]>([
    ['TLS', () => tls()],
    ['mutual TLS', mutualTls],
    ['SASL PLAIN', () => sasl('plain')],
    ['SASL SCRAM-SHA-256', () => sasl('scram-sha-256')],
    ['SASL SCRAM-SHA-512 over TLS', () => ({ ...sasl('scram-sha-512'), ...tls('SASLTLS') })],
  ])('takes commands and results over %s, with no more ACLs than are documented', async (name, settings) => {
    await bed.startService(settings());
    const [place] = await bed.produce([text(name)]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', commandId: name });
    expect(await bed.stopService()).toBe(0);
    await bed.untilCommitted();
  });

  it.each<[string, string, () => Settings]>([
    ['a wrong password for PLAIN', 'KAFKA_SASL_PASSWORD', () => sasl('plain', 'dispatcher', 'planted-wrong')],
    ['a wrong password for SCRAM', 'KAFKA_SASL_PASSWORD', () => sasl('scram-sha-512', 'dispatcher', 'planted-wrong')],
    ['an unknown user', 'KAFKA_SASL_USERNAME', () => ({ ...sasl('scram-sha-256'), KAFKA_SASL_USERNAME: 'planted' })],
    ['an authority that signed nothing', 'KAFKA_SSL_CA_FILE', () => tls('TLS', certificates.strangeCa)],
    ['no authority', 'KAFKA_SSL_CA_FILE', () => ({ KAFKA_BROKERS: at('TLS'), KAFKA_SSL: 'true' })],
    [
      'a host that the certificate does not name',
      'KAFKA_BROKERS',
      () => ({ ...tls(), KAFKA_BROKERS: at('TLS').replace('127.0.0.1', 'localhost') }),
    ],
    ['no client certificate', 'KAFKA_SSL_CERT_FILE', () => tls('MTLS')],
    [
      'SASL on a listener without it',
      'KAFKA_SASL_MECHANISM',
      () => ({ ...sasl('plain'), KAFKA_BROKERS: kafka.brokers.join(',') }),
    ],
  ])('ends a start with %s at once, with one line that names %s and no secret', async (_, setting, settings) => {
    expect(endOf(await start(settings()))).toEqual(refusal(setting));
  });

  it('ends a start without TLS if TLS is needed, with one line that names KAFKA_SSL', async () => {
    expect(endOf(await withoutTls)).toEqual(refusal('KAFKA_SSL'));
  });

  describe('and the command line', () => {
    const count = (settings: Settings): ReturnType<typeof runToEnd> =>
      runToEnd(CLI, bed.settings(settings), ['dead-letters', 'count', '--json']);

    it.each<[string, () => Settings]>([
      ['SASL', () => sasl('scram-sha-256', 'restricted')],
      ['SASL over TLS', () => ({ ...sasl('plain', 'restricted'), ...tls('SASLTLS') })],
    ])('serves it over %s with only the documented ACL', async (_, settings) => {
      await bed.admin.createAcls({ acl: [allow('restricted', 'TOPIC', bed.topics.deadLetters, 'READ')] });
      expect(await count(settings())).toEqual({ code: 0, stdout: '{"total":0,"counts":[]}\n', stderr: '' });
    });

    it.each<[string, string, () => Settings]>([
      ['a wrong password', 'KAFKA_SASL_PASSWORD', () => sasl('plain', 'restricted', 'planted-wrong')],
      ['a strange authority', 'KAFKA_SSL_CA_FILE', () => tls('TLS', certificates.strangeCa)],
    ])('refuses it with %s at once, with one line that names %s and no secret', async (_, setting, settings) => {
      const { code, stdout, stderr } = await count(settings());
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(new RegExp(`^.*${setting}.*\n$`));
      expect(stderr).not.toContain('planted');
    });
  });

  describe('that denies the user a permission', () => {
    let denied: TestBed;

    beforeEach(async () => {
      denied = await TestBed.start({ brokers: kafka.brokers, service: false });
    });
    afterEach(() => denied.stop());

    /** Grants everything needed, except for one resource, which the user may at most describe. */
    async function grantAllBut(resourceName: string, describable = true): Promise<void> {
      const granted = neededAcls('restricted', denied).filter((entry) => entry.resourceName !== resourceName);
      const described = describable ? [allow('restricted', 'TOPIC', resourceName, 'DESCRIBE')] : [];
      await denied.admin.createAcls({ acl: [...granted, ...described] });
    }

    it('to read one command topic: the start ends and names it', async () => {
      const topic = denied.commandTopic('whatsapp', 'bulk');
      await grantAllBut(topic);
      expect(endOf(await start(sasl('plain', 'restricted'), denied))).toEqual(refusal(`READ on topic ${topic}`));
    });

    it('to use the groups: the start ends and names them', async () => {
      await grantAllBut(`${denied.group}.`, false);
      const ended = await start(sasl('plain', 'restricted'), denied);
      expect(endOf(ended)).toEqual(refusal(`READ on group ${denied.group}.${denied.commandTopic()}`));
      expect(ended.stdout).toContain(`READ on group ${denied.group}.${denied.commandTopic('whatsapp', 'bulk')}`);
    });

    it('even to see a topic: the start ends and names it', async () => {
      await grantAllBut(denied.topics.deadLetters, false);
      expect(endOf(await start(sasl('plain', 'restricted'), denied))).toEqual(refusal(denied.topics.deadLetters));
    });

    it('to write results: what needs them waits, the log says why, nothing is lost, and the ACL alone ends it', async () => {
      const { results } = denied.topics;
      await grantAllBut(results);
      await denied.startService(sasl('plain', 'restricted'));
      const places = await denied.produce([text('a'), text('b')]);
      await denied.until(() => denied.output.includes('publishing failed, to be repeated'), 'the refusal');
      const line = denied.output.split('\n').find((each) => each.includes('publishing failed')) ?? '';
      expect(line).toContain(results);
      expect(line).toContain('Not authorized to access topics');
      const { code, body } = await probe(denied.service, '/readyz');
      expect(code).toBe(200);
      expect(body).toContain(`"unwritable":["${results}"]`);
      expect((await denied.committed()).every((offset) => offset <= 0)).toBe(true);

      await denied.admin.createAcls({ acl: [allow('restricted', 'TOPIC', results, 'WRITE')] });
      for (const place of places) expect((await denied.resultOf(place)).result.outcome).toBe('accepted');
      expect(denied.sandbox.report()).toMatchObject({ uniqueAccepted: 2, duplicates: 0 });
      await denied.untilCommitted();
    });
  });
});

/** How a start ended: its exit code, its lines of errors, and whether its output contains a secret. */
function endOf({ code, stdout, stderr }: Awaited<ReturnType<typeof runToEnd>>): object {
  const errors = stdout.split('\n').filter((line) => /"level":"(?:error|fatal)"/.test(line));
  return { code, errors, saysSecret: (stdout + stderr).includes('planted') };
}

/** How a start must end that cannot succeed. */
function refusal(words: string): object {
  return { code: 1, errors: [expect.stringContaining(words)], saysSecret: false };
}
