import type { Environment } from './environment';
import type { Fault } from './fault';
import { tlsFileFaults } from './tls-files';

const SASL = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
const CLIENT_CERTIFICATE = ['KAFKA_SSL_CERT_FILE', 'KAFKA_SSL_KEY_FILE'] as const;
const SSL_FILES = ['KAFKA_SSL_CA_FILE', ...CLIENT_CERTIFICATE] as const;

/**
 * Faults of settings that are valid alone but do not fit each other. `given` holds all variables that are set, also
 * malformed ones: a malformed variable has its own fault already, and must not count as missing too.
 */
export function combinationFaults(environment: Environment, given: ReadonlySet<string>): readonly Fault[] {
  const faults: Fault[] = [
    ...missingOf(SASL, given),
    ...missingOf(CLIENT_CERTIFICATE, given),
    ...tlsFileFaults(environment),
  ];
  const files = SSL_FILES.filter((variable) => given.has(variable));
  if (environment.KAFKA_SSL === false && files.length > 0) {
    faults.push({ variable: 'KAFKA_SSL', message: `must be true for the use of ${files.join(', ')}` });
  }
  if (environment.RETRY_BASE_DELAY_MS > environment.RETRY_MAX_DELAY_MS) {
    faults.push({ variable: 'RETRY_BASE_DELAY_MS', message: 'must be at most RETRY_MAX_DELAY_MS' });
  }
  if (environment.DEFAULT_DELIVERY === 'at-most-once' && !given.has('REDIS_URL')) {
    const message = 'at-most-once needs REDIS_URL, which remembers what was sent; must be at-least-once without it';
    faults.push({ variable: 'DEFAULT_DELIVERY', message });
  }
  return faults;
}

function missingOf(together: readonly string[], given: ReadonlySet<string>): readonly Fault[] {
  const missing = together.filter((variable) => !given.has(variable));
  if (missing.length === together.length) return [];
  const present = together.filter((variable) => given.has(variable)).join(' and ');
  return missing.map((variable) => ({ variable, message: `must be set together with ${present}` }));
}
