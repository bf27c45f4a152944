import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** A self-signed certificate for localhost. */
export const CERTIFICATE = {
  key: readFileSync(join(__dirname, 'fixtures', 'localhost.key.pem'), 'utf8'),
  cert: readFileSync(join(__dirname, 'fixtures', 'localhost.cert.pem'), 'utf8'),
};

export async function trustingTestCertificate(run: () => Promise<void>): Promise<void> {
  const trusted = getCACertificates();
  setDefaultCACertificates([...trusted, CERTIFICATE.cert]);
  try {
    await run();
  } finally {
    setDefaultCACertificates(trusted);
  }
}
