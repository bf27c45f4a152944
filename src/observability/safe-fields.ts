/** No line of the service is deeper. Below it there is most likely an object of a library, which is left out. */
const MAX_DEPTH = 4;

/**
 * Names of fields, in lower case, in which libraries and requests have secrets, content, phone numbers and contact ids.
 */
const WITHHELD: ReadonlySet<string> = new Set([
  'apikey',
  'authorization',
  'body',
  'config',
  'contactid',
  'headers',
  'key',
  'password',
  'payload',
  'phonenumber',
  'recepient',
  'recipient',
  'request',
  'response',
  'sasl',
  'ssl',
  'textmessage',
  'value',
  'x-api-key',
]);

/**
 * The fields of a log line, made safe to write:
 * - an error has only its name, message, code and stack: other fields of kafkajs's and undici's errors have requests
 *   and settings;
 * - binary data becomes its length;
 * - the value of a field with a telling name is withheld.
 */
export function safeFields(fields: Record<string, unknown>): Record<string, unknown> {
  return safeEntries(fields, 0);
}

/** {@link safeFields} for one value. */
export function safeValue(value: unknown): unknown {
  return safeAt(value, 0);
}

function safeAt(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return safeError(value);
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth === MAX_DEPTH) return '[left out]';
  if (Array.isArray(value)) return value.map((item) => safeAt(item, depth + 1));
  return safeEntries(value, depth + 1);
}

function safeEntries(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      WITHHELD.has(name.toLowerCase()) ? '[withheld]' : safeAt(value, depth),
    ]),
  );
}

function safeError(error: Error): Record<string, unknown> {
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? { code: error.code } : {};
  return { name: error.name, message: error.message, ...code, stack: error.stack };
}
