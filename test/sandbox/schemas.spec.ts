import { OPERATIONS, checkRequest } from '../../sandbox/schemas.ts';
import { BODIES, TEXT_PATH } from './requests';

function check(path: string, body: unknown): ReturnType<typeof checkRequest> {
  const operation = OPERATIONS.get(path);
  if (operation === undefined) throw new Error(`no operation ${path}`);
  return checkRequest(operation, body);
}

const changed = (path: string, fields: object): unknown => ({ ...BODIES[path], ...fields });
const without = (path: string, field: string): unknown =>
  Object.fromEntries(Object.entries(BODIES[path] ?? {}).filter(([name]) => name !== field));

const MEDIA = '/v1/messages/messenger/sendmedia';
const MESSENGER_TEMPLATE = '/v1/messages/messenger/sendtemplate';
const TELEGRAM = '/v1/messages/telegram/sendtemplate';
const TEMPLATE = '/v1/messages/whatsapp/sendtemplate';

describe('checkRequest', () => {
  it('knows exactly the nine endpoints', () => {
    expect([...OPERATIONS.keys()].toSorted()).toEqual(Object.keys(BODIES).toSorted());
  });

  it.each(Object.keys(BODIES))('accepts a valid body at %s and knows its recipient', (path) => {
    expect(check(path, BODIES[path])).toEqual({ workspace: 'w-1', recipient: 'c-1' });
  });

  it.each(Object.keys(BODIES).flatMap((path) => Object.keys(BODIES[path] ?? {}).map((field) => [path, field])))(
    'refuses a body at %s without the field %s',
    (path, field) => {
      expect(check(path, without(path, field))).toMatch(`${field}`);
    },
  );

  it.each(Object.keys(BODIES))('refuses an unknown field at %s', (path) => {
    expect(check(path, changed(path, { extra: 1 }))).toBe('extra: unknown field');
  });

  const RECEPIENT = { recepient: { phoneNumber: '+4915112345678' } };

  it.each(Object.keys(BODIES).filter((path) => path.includes('whatsapp')))('accepts a phone number at %s', (path) => {
    const body = { ...Object(without(path, 'contact')), ...RECEPIENT };
    expect(check(path, body)).toEqual({ workspace: 'w-1', recipient: '4915112345678' });
  });

  it.each(Object.keys(BODIES).filter((path) => !path.includes('whatsapp')))('refuses a phone number at %s', (path) => {
    const body = { ...Object(without(path, 'contact')), ...RECEPIENT };
    expect(check(path, body)).toBe('recepient: unknown field; contact: must be given');
    expect(check(path, changed(path, RECEPIENT))).toBe('recepient: unknown field');
  });

  const SCHEDULE = { scheduleDateTime: '2026-11-22T12:00:00Z' };

  it.each(Object.keys(BODIES).filter((path) => !path.endsWith('template')))(
    'accepts scheduleDateTime at %s',
    (path) => {
      expect(check(path, changed(path, SCHEDULE))).toEqual({ workspace: 'w-1', recipient: 'c-1' });
    },
  );

  it.each(Object.keys(BODIES).filter((path) => path.endsWith('template')))('refuses scheduleDateTime at %s', (path) => {
    expect(check(path, changed(path, SCHEDULE))).toBe('scheduleDateTime: unknown field');
  });

  it('accepts texts of exactly 65,536 characters, also if each has two code units', () => {
    expect(check(TEXT_PATH, changed(TEXT_PATH, { textMessage: '🙂'.repeat(65_536) }))).not.toEqual(expect.any(String));
  });

  it.each([
    ['no object', TEXT_PATH, [], 'body'],
    ['null', TEXT_PATH, null, 'body'],
    ['both recipients', TEXT_PATH, changed(TEXT_PATH, { recepient: { phoneNumber: '4915112345678' } }), 'both'],
    ['a null contact', TEXT_PATH, changed(TEXT_PATH, { contact: null }), 'contact:'],
    ['an empty contact id', TEXT_PATH, changed(TEXT_PATH, { contact: { id: '' } }), 'contact.id'],
    ['a numeric contact id', TEXT_PATH, changed(TEXT_PATH, { contact: { id: 1 } }), 'contact.id'],
    ['an unknown contact field', TEXT_PATH, changed(TEXT_PATH, { contact: { id: 'c', x: 1 } }), 'contact.x'],
    ['a workspace without id', TEXT_PATH, changed(TEXT_PATH, { workspace: {} }), 'workspace.id'],
    ['a __proto__ key', TEXT_PATH, JSON.parse('{"__proto__":{"textMessage":"x"}}'), '__proto__: unknown field'],
    ['a blank text', TEXT_PATH, changed(TEXT_PATH, { textMessage: ' \n' }), 'textMessage'],
    ['a long text', TEXT_PATH, changed(TEXT_PATH, { textMessage: 'x'.repeat(65_537) }), 'textMessage'],
    ['a text that is none', TEXT_PATH, changed(TEXT_PATH, { textMessage: 5 }), 'textMessage'],
    ['a date that is none', TEXT_PATH, changed(TEXT_PATH, { scheduleDateTime: 'tomorrow' }), 'scheduleDateTime'],
    ['a 13th month', TEXT_PATH, changed(TEXT_PATH, { scheduleDateTime: '2026-13-01T00:00:00Z' }), 'scheduleDateTime'],
    ['an ftp URL', MEDIA, changed(MEDIA, { mediaUrl: 'ftp://example.test/a' }), 'mediaUrl'],
    ['a URL that is none', MEDIA, changed(MEDIA, { mediaUrl: 'https://' }), 'mediaUrl'],
    ['a MIME type without subtype', MEDIA, changed(MEDIA, { mimeType: 'image' }), 'mimeType'],
    ['a template object', TEMPLATE, changed(TEMPLATE, { template: {} }), 'template'],
    ['no elements', MESSENGER_TEMPLATE, changed(MESSENGER_TEMPLATE, { elements: [] }), 'elements'],
    [
      'eleven elements',
      MESSENGER_TEMPLATE,
      changed(MESSENGER_TEMPLATE, { elements: Array.from({ length: 11 }, () => ({ title: 't', buttons: [] })) }),
      'elements',
    ],
    [
      'an element without title',
      MESSENGER_TEMPLATE,
      changed(MESSENGER_TEMPLATE, { elements: [{ buttons: [] }] }),
      'elements[0].title',
    ],
    [
      'an element with more',
      MESSENGER_TEMPLATE,
      changed(MESSENGER_TEMPLATE, { elements: [{ buttons: [], title: 't', url: '' }] }),
      'elements[0].url',
    ],
    ['buttons that are no array', TELEGRAM, changed(TELEGRAM, { buttons: {} }), 'buttons'],
  ])('refuses %s and says where', (_name, path, body, where) => {
    expect(check(path, body)).toEqual(expect.stringContaining(where));
  });

  it.each(['12', '+4915112345678', '4915112345678'])('accepts the phone number %s', (phoneNumber) => {
    const body = { workspace: { id: 'w-1' }, textMessage: 'x', recepient: { phoneNumber } };
    expect(check(TEXT_PATH, body)).toMatchObject({ recipient: phoneNumber.replace('+', '') });
  });

  it.each(['', '+', '0151', '+49 151', '1234567890123456', 'abc'])('refuses the phone number "%s"', (phoneNumber) => {
    const body = { workspace: { id: 'w-1' }, textMessage: 'x', recepient: { phoneNumber } };
    expect(check(TEXT_PATH, body)).toBe('recepient.phoneNumber: must be an E.164 number');
  });

  it('names every fault at once', () => {
    const problems = check(TEXT_PATH, { workspace: 1, more: 2 });
    for (const where of ['workspace', 'more', 'textMessage', 'contact, recepient']) expect(problems).toContain(where);
  });
});
