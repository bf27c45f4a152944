/** What an error of a connection means: whether waiting can help. */
export type StartRefusal =
  /** Credentials or certificates do not fit. `text` names the settings, never their values. */
  | { readonly kind: 'refused'; readonly text: string }
  /** The other side silently closes connections, as a Kafka listener does if it is spoken to in another protocol. */
  | { readonly kind: 'closed' }
  /** Nobody answers, or not yet. */
  | { readonly kind: 'away' };

/** The settings that a refusal can name. */
const SETTINGS = {
  credentials: 'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD',
  mechanism: 'KAFKA_SASL_MECHANISM',
  authority: 'KAFKA_SSL_CA_FILE',
  brokers: 'KAFKA_BROKERS',
  client: 'KAFKA_SSL_CERT_FILE or KAFKA_SSL_KEY_FILE',
  tls: 'KAFKA_SSL',
} as const;

/** For a listener whose protocol is not that of the settings. */
export const CLOSED_REFUSAL =
  'KAFKA_SSL or KAFKA_SASL_MECHANISM: the brokers close every connection without a word, as they do where their ' +
  'listener asks for TLS or SASL and is spoken to without, or the reverse';

const refuse = (setting: keyof typeof SETTINGS, why: string): StartRefusal => ({
  kind: 'refused',
  text: `${SETTINGS[setting]}: ${why}`,
});

/** By the `type` of kafkajs's protocol errors, which are names of the Kafka protocol. */
const BY_TYPE: ReadonlyMap<string, StartRefusal> = new Map([
  ['SASL_AUTHENTICATION_FAILED', refuse('credentials', 'the brokers refuse these credentials')],
  ['UNSUPPORTED_SASL_MECHANISM', refuse('mechanism', 'the brokers do not offer it')],
  ['ILLEGAL_SASL_STATE', refuse('mechanism', 'this listener of the brokers takes no SASL')],
]);

/** By the `name` of errors that kafkajs throws without a type. */
const BY_NAME: ReadonlyMap<string, StartRefusal> = new Map([
  ['KafkaJSSASLAuthenticationError', refuse('credentials', 'the brokers refuse these credentials')],
]);

const UNKNOWN_AUTHORITY = refuse('authority', "no authority in it has signed the brokers' certificate");
const NO_CLIENT = refuse('client', 'the brokers ask for a client certificate, and take none or not this one');

/** By `code`: Node's names for faults that OpenSSL finds, and for the brokers' TLS alerts (RFC 8446, section 6.2). */
const BY_CODE: ReadonlyMap<string, StartRefusal> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN_AUTHORITY],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNKNOWN_AUTHORITY],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN_AUTHORITY],
  ['CERT_SIGNATURE_FAILURE', UNKNOWN_AUTHORITY],
  ['CERT_HAS_EXPIRED', refuse('tls', "the brokers' certificate has expired")],
  ['CERT_NOT_YET_VALID', refuse('tls', "the brokers' certificate is not valid yet")],
  ['ERR_TLS_CERT_ALTNAME_INVALID', refuse('brokers', "the brokers' certificate is for other host names")],
  ['ERR_SSL_WRONG_VERSION_NUMBER', refuse('tls', 'this listener of the brokers speaks no TLS')],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', refuse('tls', 'this listener of the brokers speaks no TLS')],
  ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', refuse('client', 'the key is not that of the certificate')],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', NO_CLIENT],
  ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', NO_CLIENT],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', NO_CLIENT],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', NO_CLIENT],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', NO_CLIENT],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', NO_CLIENT],
]);

/** By `code`: the connection was closed before it was ready. */
const CLOSED_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
const CLOSED_NAME = 'KafkaJSConnectionClosedError';

/** What an error of the first connection means, by the error itself and its causes. */
export function startRefusal(error: unknown): StartRefusal {
  let isClosed = false;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { name } = cause;
    const code = wordOf(cause, 'code');
    const refusal = BY_CODE.get(code) ?? BY_TYPE.get(wordOf(cause, 'type')) ?? BY_NAME.get(name);
    if (refusal !== undefined) return refusal;
    isClosed ||= name === CLOSED_NAME || CLOSED_CODES.has(code);
  }
  return isClosed ? { kind: 'closed' } : { kind: 'away' };
}

function wordOf(error: Error, field: 'code' | 'type'): string {
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : '';
}
