import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { jarsFolder } from '../../tools/kafka/kafka-jars.ts';
import { projectRoot } from '../../tools/kafka/project-root.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { withEnvironment } from '../tools/kafka/with-environment.ts';

/** The users, for PLAIN and SCRAM alike. */
export const USERS = { dispatcher: 'planted-password', restricted: 'planted-restricted' } as const;

/** PEM files of a small certificate authority. */
export interface Certificates {
  readonly ca: string;
  /** The certificate of another authority, which signed nothing here. */
  readonly strangeCa: string;
  readonly clientCert: string;
  readonly clientKey: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

/** Whether brokers with security can be started here: they need Java, and `openssl` for their certificates. */
export function canStartSecureKafka(): boolean {
  if (process.env['KAFKA_BROKERS'] !== undefined || process.env['DEV_KAFKA'] === 'docker') return false;
  // The global setup has fetched the jars, if it runs brokers on Java.
  return existsSync(jarsFolder(projectRoot())) && hasOpenssl();
}

/** Creates an authority, and certificates for `127.0.0.1` and for the client `CN=dispatcher`, in a folder. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string): string => join(folder, name);
  for (const name of ['ca', 'strange-ca']) {
    openssl('req', '-x509', ...NEW_KEY, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), ...subject(name));
  }
  for (const [name, alternative] of Object.entries(ALTERNATIVES)) {
    const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', `subjectAltName=${alternative}`];
    const output = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    openssl('req', '-x509', ...NEW_KEY, ...output, ...signer, ...subject(name), '-addext', 'basicConstraints=CA:FALSE');
  }
  return {
    ca: file('ca.pem'),
    strangeCa: file('strange-ca.pem'),
    clientCert: file('dispatcher.pem'),
    clientKey: file('dispatcher.key'),
    serverCert: file('server.pem'),
    serverKey: file('server.key'),
  };
}

/**
 * One broker. Its plain listener is open to everybody, without security. The others are `TLS`, `MTLS` (a client
 * certificate is required), `SASL` and `SASLTLS`, the latter two with PLAIN and both SCRAMs. Clients of the plain
 * listener and of `TLS` are anonymous and may do anything. All other clients may do only what an ACL allows.
 */
export function startSecureKafka(certificates: Certificates): Promise<DevKafka> {
  const plainUsers = Object.entries(USERS).map(([name, password]) => `user_${name}="${password}"`);
  const jaas = Object.fromEntries(
    ['sasl', 'sasltls'].flatMap((name) => [
      [
        `listener.name.${name}.plain.sasl.jaas.config`,
        `${MODULES}.plain.PlainLoginModule required ${plainUsers.join(' ')};`,
      ],
      ...['scram-sha-256', 'scram-sha-512'].map((mechanism) => [
        `listener.name.${name}.${mechanism}.sasl.jaas.config`,
        `${MODULES}.scram.ScramLoginModule required;`,
      ]),
    ]),
  );
  const properties = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': readFileSync(certificates.serverKey, 'utf8'),
    'ssl.keystore.certificate.chain': readFileSync(certificates.serverCert, 'utf8'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': readFileSync(certificates.ca, 'utf8'),
    'listener.name.mtls.ssl.client.auth': 'required',
    ...jaas,
  };
  const security = {
    listeners: { TLS: 'SSL', MTLS: 'SSL', SASL: 'SASL_PLAINTEXT', SASLTLS: 'SASL_SSL' },
    scramUsers: USERS,
  } as const;
  return withEnvironment({ DEV_KAFKA: 'java' }, () => startKafka({ properties, security }));
}

const MODULES = 'org.apache.kafka.common.security';
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
const ALTERNATIVES = { server: 'IP:127.0.0.1', dispatcher: 'DNS:dispatcher' };

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function hasOpenssl(): boolean {
  try {
    openssl('version');
    return true;
  } catch {
    return false;
  }
}
