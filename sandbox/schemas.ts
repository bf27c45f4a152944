/** Channel and recipient of a valid request. `recipient` is the contact id, or the phone number without `+`. */
export interface Addressee {
  readonly workspace: string;
  readonly recipient: string;
}

/**
 * One endpoint of the Messages API with its request schema. It deliberately shares nothing with the service, which it
 * tests.
 */
export interface Operation {
  readonly name: string;
  readonly channel: string;
  readonly path: string;
  /** Every field of the schema; any other is refused. */
  readonly fields: ReadonlyMap<string, Check>;
  readonly required: readonly string[];
  /** Whether `recepient` may replace `contact`. */
  readonly takesPhoneNumber: boolean;
}

/** Adds one line for each fault at `path`. Lines never quote values. */
type Check = (value: unknown, path: string, problems: string[]) => void;
type JsonObject = Readonly<Record<string, unknown>>;

const TEXT_CHARACTERS = 65_536;
const MAX_ELEMENTS = 10;
const PHONE_NUMBER = /^\+?[1-9]\d{1,14}$/;
const MIME_TYPE = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$/;

const text = stringThat(
  (value) => value.trim() !== '' && (value.length <= TEXT_CHARACTERS || Array.from(value).length <= TEXT_CHARACTERS),
  'must be 1 to 65,536 characters and not blank',
);
const nonEmpty = stringThat((value) => value !== '', 'must not be empty');
const phoneNumber = stringThat((value) => PHONE_NUMBER.test(value), 'must be an E.164 number');
const httpUrl = stringThat((value) => /^https?:\/\//i.test(value) && URL.canParse(value), 'must be an http(s) URL');
const mimeType = stringThat((value) => MIME_TYPE.test(value), 'must be type/subtype');
const dateTime = stringThat(
  (value) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value.slice(0, 10))),
  'must be an ISO 8601 date and time',
);
const buttons: Check = (value, path, problems) => {
  if (!Array.isArray(value)) problems.push(`${path}: must be an array`);
};
const element = closedObject(
  new Map([
    ['buttons', buttons],
    ['title', nonEmpty],
  ]),
  ['buttons', 'title'],
);
const elements: Check = (value, path, problems) => {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_ELEMENTS) {
    problems.push(`${path}: must be an array of 1 to ${MAX_ELEMENTS}`);
    return;
  }
  value.forEach((item, index) => element(item, `${path}[${index}]`, problems));
};
const withId = closedObject(new Map([['id', nonEmpty]]), ['id']);
const withPhoneNumber = closedObject(new Map([['phoneNumber', phoneNumber]]), ['phoneNumber']);

type Fields = Readonly<Record<string, Check>>;
const TEXT: Fields = { textMessage: text };
const MEDIA: Fields = { mediaUrl: httpUrl, mimeType };
const SCHEDULE: Fields = { scheduleDateTime: dateTime };

/** The nine endpoints by path. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  [
    operation('whatsapp', 'text', TEXT, SCHEDULE),
    operation('whatsapp', 'media', MEDIA, SCHEDULE),
    operation('whatsapp', 'template', { template: text }),
    operation('messenger', 'text', TEXT, SCHEDULE),
    operation('messenger', 'media', MEDIA, SCHEDULE),
    operation('messenger', 'template', { elements }),
    operation('instagram', 'text', TEXT, SCHEDULE),
    operation('instagram', 'template', { elements }),
    operation('telegram', 'template', { buttons, textMessage: text }),
  ].map((each) => [each.path, each]),
);

/** What is wrong with a request body, faults joined by `; `; or its channel and recipient, if it is valid. */
export function checkRequest(target: Operation, body: unknown): Addressee | string {
  if (!isObject(body)) return 'body: must be a JSON object';
  const problems: string[] = [];
  checkFields(target.fields, target.required, body, '', problems);
  const { contact, recepient } = body;
  if (contact !== undefined && recepient !== undefined && target.takesPhoneNumber) {
    problems.push('contact, recepient: must not both be given');
  }
  if (contact === undefined && (recepient === undefined || !target.takesPhoneNumber)) {
    problems.push(target.takesPhoneNumber ? 'contact, recepient: one must be given' : 'contact: must be given');
  }
  if (problems.length > 0) return problems.join('; ');
  return { workspace: idOf(body['workspace']), recipient: contact === undefined ? numberOf(recepient) : idOf(contact) };
}

function operation(channel: string, type: string, required: Fields, optional: Fields = {}): Operation {
  const takesPhoneNumber = channel === 'whatsapp';
  const addressing = takesPhoneNumber ? { contact: withId, recepient: withPhoneNumber } : { contact: withId };
  return {
    name: `${channel}.${type}`,
    channel,
    path: `/v1/messages/${channel}/send${type}`,
    fields: new Map(Object.entries({ ...addressing, workspace: withId, ...required, ...optional })),
    required: ['workspace', ...Object.keys(required)],
    takesPhoneNumber,
  };
}

function closedObject(fields: ReadonlyMap<string, Check>, required: readonly string[]): Check {
  return (value, path, problems) => {
    if (isObject(value)) checkFields(fields, required, value, `${path}.`, problems);
    else problems.push(`${path}: must be an object`);
  };
}

function checkFields(
  fields: ReadonlyMap<string, Check>,
  required: readonly string[],
  value: JsonObject,
  prefix: string,
  problems: string[],
): void {
  for (const name in value) {
    const check = fields.get(name);
    if (check === undefined) problems.push(`${prefix}${name.slice(0, 100)}: unknown field`);
    else check(value[name], prefix + name, problems);
  }
  for (const name of required) {
    if (value[name] === undefined) problems.push(`${prefix}${name}: must be given`);
  }
}

function stringThat(holds: (value: string) => boolean, requirement: string): Check {
  return (value, path, problems) => {
    if (typeof value !== 'string') problems.push(`${path}: must be a string`);
    else if (!holds(value)) problems.push(`${path}: ${requirement}`);
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function idOf(value: unknown): string {
  return isObject(value) ? String(value['id']) : '';
}

function numberOf(value: unknown): string {
  const number = isObject(value) ? String(value['phoneNumber']) : '';
  return number.startsWith('+') ? number.slice(1) : number;
}
