import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Environment } from './environment';
import type { Fault } from './fault';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;

const isPem = (text: string | null): text is string => text?.includes('-----BEGIN ') === true;

/**
 * What is wrong with the files of TLS, beyond their being PEM: found here, it names its setting; found by the first
 * connection, it looks like a broker that is away. Never repeats what is in them.
 */
export function tlsFileFaults(environment: Environment): readonly Fault[] {
  const { KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key } = environment;
  const faults: Fault[] = [];
  if (isPem(ca) && !areCertificates(ca)) {
    faults.push({ variable: 'KAFKA_SSL_CA_FILE', message: 'must be certificates in PEM' });
  }
  const isCertificate = isPem(cert) && areCertificates(cert);
  if (isPem(cert) && !isCertificate) {
    faults.push({ variable: 'KAFKA_SSL_CERT_FILE', message: 'must be a certificate in PEM' });
  }
  if (!isPem(key)) return faults;
  const message = keyFault(key, isCertificate ? cert : null);
  return message === null ? faults : [...faults, { variable: 'KAFKA_SSL_KEY_FILE', message }];
}

function keyFault(key: string, cert: string | null): string | null {
  try {
    const privateKey = createPrivateKey(key);
    if (cert === null || new X509Certificate(cert).checkPrivateKey(privateKey)) return null;
    return 'must be the key of the certificate in KAFKA_SSL_CERT_FILE';
  } catch (error) {
    return isEncrypted(error)
      ? 'must be a private key without a pass phrase, and this one is encrypted'
      : 'must be a private key in PEM';
  }
}

function isEncrypted(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED';
}

function areCertificates(pem: string): boolean {
  const certificates = pem.match(CERTIFICATES) ?? [];
  try {
    return certificates.map((certificate) => new X509Certificate(certificate)).length > 0;
  } catch {
    return false;
  }
}
