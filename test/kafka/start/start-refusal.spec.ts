import { KafkaJSConnectionError, KafkaJSNonRetriableError } from 'kafkajs';
import { startRefusal } from '../../../src/kafka/start/start-refusal';

function connectionError(code?: string): KafkaJSConnectionError {
  return new KafkaJSConnectionError('Connection error', { broker: 'planted:1', ...(code !== undefined && { code }) });
}

describe('startRefusal', () => {
  it.each([
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'KAFKA_SSL_CA_FILE'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'KAFKA_SSL_CA_FILE'],
    ['CERT_HAS_EXPIRED', 'KAFKA_SSL'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'KAFKA_BROKERS'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'KAFKA_SSL_CERT_FILE'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'KAFKA_SSL'],
  ])('names the setting for %s: %s, and nothing of the error', (code, setting) => {
    const refusal = startRefusal(connectionError(code));
    expect(refusal).toEqual({ kind: 'refused', text: expect.stringMatching(new RegExp(`^${setting}\\b`)) });
    expect(JSON.stringify(refusal)).not.toContain('planted');
  });

  it('looks through the causes, since kafkajs wraps errors', () => {
    const wrapped = Object.assign(new KafkaJSNonRetriableError('gave up'), {
      cause: connectionError('CERT_HAS_EXPIRED'),
    });
    expect(startRefusal(wrapped)).toMatchObject({ kind: 'refused' });
  });

  it.each([connectionError('ECONNREFUSED'), connectionError('ENOTFOUND'), connectionError(), new Error('x'), null])(
    'waits for brokers that are away: %s',
    (error) => expect(startRefusal(error)).toEqual({ kind: 'away' }),
  );

  it.each([
    connectionError('ECONNRESET'),
    Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' }),
  ])('tells a closed connection from one that was never made: %s', (error) =>
    expect(startRefusal(error)).toEqual({ kind: 'closed' }),
  );
});
