import type { Channel, MessageType } from '../../src/contract/channels';
import type { Command, InvalidCommand } from '../../src/contract/command';
import { decodeCommand } from '../../src/contract/decode';
import { findOperation, OPERATIONS } from '../../src/contract/operations';
import { encode, VALID, validRequest } from './commands';

function accepted(value: Buffer, channel: Channel): Command {
  const decoded = decodeCommand(value, channel);
  if (!decoded.ok) throw new Error(decoded.invalid.violations.join('\n'));
  return decoded.command;
}

function refused(value: Buffer | null, channel: Channel = 'whatsapp'): InvalidCommand {
  const decoded = decodeCommand(value, channel);
  if (decoded.ok) throw new Error('it was accepted');
  return decoded.invalid;
}

function violationsOf(channel: Channel, type: MessageType, change: Record<string, unknown>): readonly string[] {
  return refused(encode({ id: 'a', type, request: { ...validRequest(channel, type), ...change } }), channel).violations;
}

const TEXT = 'must be a text of 1 to 65,536 characters that is not blank';
const ID = 'must be a text of 1 to 256 printable characters that is not blank';
const PHONE = 'must be a phone number in E.164 format, with or without +';
const UNKNOWN = 'must be absent, the request has no such field';
const EITHER = 'request: must have one of contact (with id) or recepient (with phoneNumber), not both';
const TIME = 'must be an ISO 8601 date and time';
const MEDIA_TYPE = 'must be a media type such as audio/ogg or audio/ogg; codecs=opus';
const URL_RULE = 'must be an http or https URL of at most 8,192 characters';

describe('a valid command', () => {
  test.each(VALID)('of $channel $type is accepted with its request unchanged', ({ channel, type, request }) => {
    const command = accepted(encode({ id: 'a', type, request }), channel);
    expect(command.operation).toBe(findOperation(channel, type));
    expect(JSON.parse(command.body)).toEqual(request);
    expect(command).toMatchObject({ id: 'a', workspaceId: 'w-1', expiresAtMs: null, delivery: null });
  });

  test.each(['audio/ogg; codecs=opus', 'text/csv; charset=utf-8', 'a/b;c=d ;\te="f;\\"g"'])(
    'may have a media type with parameters, which is sent as it stands: %s',
    (mimeType) => {
      const { body } = accepted(
        encode({ id: 'a', type: 'media', request: { ...validRequest('whatsapp', 'media'), mimeType } }),
        'whatsapp',
      );
      expect(JSON.parse(body)).toMatchObject({ mimeType });
    },
  );

  test('may have null in every optional field, which counts as absent and is not sent', () => {
    for (const { channel, type, request } of VALID) {
      const optional = ['contact', 'recepient', 'scheduleDateTime'].filter((name) => !(name in request));
      const nulls = Object.fromEntries(optional.map((name) => [name, null]));
      const knows = channel === 'whatsapp' || type === 'text' || type === 'media';
      if (!knows) continue;
      if (channel !== 'whatsapp') delete nulls['recepient'];
      if (type === 'template') delete nulls['scheduleDateTime'];
      const value = encode({ id: 'a', type, request: { ...nulls, ...request }, expiresAt: null, delivery: null });
      const command = accepted(value, channel);
      expect(JSON.parse(command.body)).toEqual(request);
      expect(command).toMatchObject({ expiresAtMs: null, delivery: null });
    }
  });

  test('keeps null in the elements of arrays', () => {
    const request = { ...validRequest('telegram', 'template'), buttons: [null, { a: null }] };
    const { body } = accepted(encode({ id: 'a', type: 'template', request }), 'telegram');
    expect(JSON.parse(body)).toEqual(request);
  });

  test('exists for every row of the table', () => {
    expect(VALID.map(({ channel, type }) => `${channel} ${type}`)).toEqual(
      OPERATIONS.map(({ channel, type }) => `${channel} ${type}`),
    );
  });

  test('has its contact, or its phone number without +, as recipient', () => {
    const of = (to: object): string =>
      accepted(
        encode({ id: 'a', type: 'template', request: { ...to, workspace: { id: 'w' }, template: 't' } }),
        'whatsapp',
      ).recipient;
    expect(of({ contact: { id: 'c-1' } })).toBe('c-1');
    expect(of({ recepient: { phoneNumber: '+4915112345678' } })).toBe('4915112345678');
    expect(of({ recepient: { phoneNumber: '4915112345678' } })).toBe('4915112345678');
  });

  test('has its expiry and delivery, and may have unknown fields beside the request', () => {
    const command = accepted(
      encode({
        id: 'ü 1',
        type: 'text',
        request: validRequest('whatsapp', 'text'),
        expiresAt: '2026-11-22T13:00:00.5+01:00',
        delivery: 'at-most-once',
        note: { any: [1e300] },
        toString: 1,
      }),
      'whatsapp',
    );
    expect(command).toMatchObject({
      id: 'ü 1',
      expiresAtMs: Date.UTC(2026, 10, 22, 12, 0, 0, 500),
      delivery: 'at-most-once',
    });
  });

  test.each([
    ['65,536 emoji', '😀'.repeat(65_536)],
    ['text around which there is space', ' a '],
  ])('may have %s as its text', (_name, textMessage) => {
    const request = { ...validRequest('whatsapp', 'text'), textMessage };
    expect(accepted(encode({ id: 'a', type: 'text', request }), 'whatsapp').body).toBe(JSON.stringify(request));
  });
});

describe('a value that is no command', () => {
  test.each([
    ['a tombstone', null, 'value: must be present, this is a tombstone'],
    ['nothing', Buffer.alloc(0), 'value: must not be empty'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'value: must be UTF-8'],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff{}'), 'value: must not start with a byte order mark'],
    ['no JSON', Buffer.from('{"id": "+4915112345678" x}'), 'value: not valid JSON at position 24'],
    ['JSON that ends early', Buffer.from('{"id":'), 'value: not valid JSON'],
    ['an array', Buffer.from('[]'), 'value: must be a JSON object'],
    ['null', Buffer.from('null'), 'value: must be a JSON object'],
    ['a string', Buffer.from('"x"'), 'value: must be a JSON object'],
  ])('%s is invalid', (_name, value, violation) => {
    expect(refused(value)).toEqual({ id: null, type: null, workspaceId: null, violations: [violation] });
  });
});

describe('the envelope', () => {
  test('an empty object misses its three required fields', () => {
    expect(refused(Buffer.from('{}')).violations).toEqual([
      'id: must be a text of 1 to 128 printable characters that is not blank',
      'type: must be one of text, media, template',
      'request: must be an object',
    ]);
  });

  test.each([[''], [' \t'], ['a\nb'], ['a\u2028b'], ['a\u0000'], ['x'.repeat(129)], [7], [null], [['a']], [{}]])(
    'the id %j is refused',
    (id) => {
      const invalid = refused(encode({ id, type: 'text', request: validRequest('whatsapp', 'text') }));
      expect(invalid.violations).toEqual(['id: must be a text of 1 to 128 printable characters that is not blank']);
      expect(invalid).toMatchObject({ id: null, type: 'text', workspaceId: 'w-1' });
    },
  );

  test.each([
    ['2026-02-31T00:00:00Z'],
    ['2026-13-01T00:00:00Z'],
    ['2026-11-22T12:00:00'],
    ['2026-11-22'],
    ['2026-11-22T24:00:00Z'],
    ['2026-11-22T12:00:00+0100'],
    ['2026-11-22T12:00:00+24:00'],
    ['2026-11-22 12:00:00Z'],
    ['tomorrow'],
    [1_795_348_800_000],
    [{}],
  ])('expiresAt %j is refused', (expiresAt) => {
    const value = encode({ id: 'a', type: 'text', request: validRequest('whatsapp', 'text'), expiresAt });
    expect(refused(value).violations).toEqual([
      'expiresAt: must be an ISO 8601 date and time with offset, as in 2026-11-22T12:00:00Z',
    ]);
  });

  test.each([['exactly-once'], [1], [['at-most-once']]])('delivery %j is refused', (delivery) => {
    const value = encode({ id: 'a', type: 'text', request: validRequest('whatsapp', 'text'), delivery });
    expect(refused(value).violations).toEqual(['delivery: must be one of at-least-once, at-most-once']);
  });

  test.each([['sms'], ['toString'], ['__proto__'], [1], [null], [['text']]])('type %j is unknown', (type) => {
    const invalid = refused(encode({ id: 'a', type, request: validRequest('whatsapp', 'text') }));
    expect(invalid).toEqual({
      id: 'a',
      type: null,
      workspaceId: 'w-1',
      violations: ['type: must be one of text, media, template'],
    });
  });

  test.each([
    ['instagram', 'media', 'text, template'],
    ['telegram', 'text', 'template'],
    ['telegram', 'media', 'template'],
  ] as const)('%s has no %s, and the violation says what it has', (channel, type, types) => {
    const invalid = refused(encode({ id: 'a', type, request: validRequest('whatsapp', 'text') }), channel);
    expect(invalid).toEqual({
      id: 'a',
      type,
      workspaceId: 'w-1',
      violations: [`type: must be one of ${types} on the channel ${channel}`],
    });
  });

  test.each([[null], [[]], ['x'], [1]])('request %j is refused', (request) => {
    expect(refused(encode({ id: 'a', type: 'text', request })).violations).toEqual(['request: must be an object']);
  });
});

describe('the request', () => {
  const cases: readonly [Channel, MessageType, Record<string, unknown>, readonly string[]][] = [
    ['whatsapp', 'text', { contact: { id: 'c' } }, [EITHER]],
    ['whatsapp', 'text', { recepient: undefined }, [EITHER]],
    ['whatsapp', 'text', { recepient: null }, [EITHER]],
    ['whatsapp', 'text', { recepient: 5 }, ['request.recepient: must be an object']],
    ['whatsapp', 'text', { textMessage: null }, [`request.textMessage: ${TEXT}`]],
    ['whatsapp', 'text', { nobody: null }, [`request.nobody: ${UNKNOWN}`]],
    ['messenger', 'text', { contact: null }, ['request.contact: must be an object']],
    ['whatsapp', 'text', { recepient: [{ phoneNumber: '+4915112345678' }] }, ['request.recepient: must be an object']],
    ['whatsapp', 'text', { recepient: {} }, [`request.recepient.phoneNumber: ${PHONE}`]],
    [
      'whatsapp',
      'text',
      { recepient: { phoneNumber: 4_915_112_345_678 } },
      [`request.recepient.phoneNumber: ${PHONE}`],
    ],
    ['whatsapp', 'text', { recepient: { phoneNumber: '+0491511' } }, [`request.recepient.phoneNumber: ${PHONE}`]],
    ['whatsapp', 'text', { recepient: { phoneNumber: '+49 151 1' } }, [`request.recepient.phoneNumber: ${PHONE}`]],
    ['whatsapp', 'text', { recepient: { phoneNumber: '++49151123' } }, [`request.recepient.phoneNumber: ${PHONE}`]],
    [
      'whatsapp',
      'text',
      { recepient: { phoneNumber: '+1234567890123456' } },
      [`request.recepient.phoneNumber: ${PHONE}`],
    ],
    [
      'whatsapp',
      'text',
      { recepient: { phoneNumber: '+4915112345678', name: 'x' } },
      [`request.recepient.name: ${UNKNOWN}`],
    ],
    ['messenger', 'text', { contact: undefined }, ['request.contact: must be an object']],
    ['messenger', 'text', { contact: { id: ' ' } }, [`request.contact.id: ${ID}`]],
    ['messenger', 'text', { contact: { id: 'x'.repeat(257) } }, [`request.contact.id: ${ID}`]],
    ['messenger', 'text', { contact: 'c-1' }, ['request.contact: must be an object']],
    ['messenger', 'text', { recepient: { phoneNumber: '+4915112345678' } }, [`request.recepient: ${UNKNOWN}`]],
    ['messenger', 'text', { workspace: undefined }, ['request.workspace: must be an object']],
    ['messenger', 'text', { workspace: [{ id: 'w' }] }, ['request.workspace: must be an object']],
    ['messenger', 'text', { workspace: { id: 1 } }, [`request.workspace.id: ${ID}`]],
    ['messenger', 'text', { textMessage: undefined }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: '' }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: ' \n\t ' }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: { constructor: 5 } }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: 'x'.repeat(65_537) }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: '😀'.repeat(65_537) }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { textMessage: 'x'.repeat(1_000_000) }, [`request.textMessage: ${TEXT}`]],
    ['messenger', 'text', { scheduleDateTime: 'tomorrow' }, [`request.scheduleDateTime: ${TIME}`]],
    ['messenger', 'text', { scheduleDateTime: '2026-02-31T00:00:00Z' }, [`request.scheduleDateTime: ${TIME}`]],
    [
      'messenger',
      'text',
      { toString: 1, constructor: 2, '': 3 },
      [`request.toString: ${UNKNOWN}`, `request.constructor: ${UNKNOWN}`, `request[""]: ${UNKNOWN}`],
    ],
    ['whatsapp', 'template', { scheduleDateTime: '2026-11-22' }, [`request.scheduleDateTime: ${UNKNOWN}`]],
    ['whatsapp', 'template', { template: ' ' }, [`request.template: ${TEXT}`]],
    ['whatsapp', 'media', { mediaUrl: 'ftp://example.com/a' }, [`request.mediaUrl: ${URL_RULE}`]],
    ['whatsapp', 'media', { mediaUrl: 'https:example.com/a' }, [`request.mediaUrl: ${URL_RULE}`]],
    ['whatsapp', 'media', { mediaUrl: 'https://exa mple.com' }, [`request.mediaUrl: ${URL_RULE}`]],
    ['whatsapp', 'media', { mediaUrl: 'https://example.com:99999/' }, [`request.mediaUrl: ${URL_RULE}`]],
    ['whatsapp', 'media', { mediaUrl: `https://a.b/${'x'.repeat(8_192)}` }, [`request.mediaUrl: ${URL_RULE}`]],
    ['whatsapp', 'media', { mediaUrl: 1 }, [`request.mediaUrl: ${URL_RULE}`]],
    ...['image', 'a/b/c', 'a/b;', 'a/b; c', 'a/b; c=', 'a/b; c="d', 'a/b; c=d\n', 'a/b; c="\n"', 'a/b c=d', null].map(
      (mimeType): (typeof cases)[number] => ['messenger', 'media', { mimeType }, [`request.mimeType: ${MEDIA_TYPE}`]],
    ),
    ['telegram', 'template', { buttons: undefined }, ['request.buttons: must be an array']],
    ['telegram', 'template', { buttons: {} }, ['request.buttons: must be an array']],
    ['instagram', 'template', { elements: [] }, ['request.elements: must be an array of 1 to 10 objects']],
    ['instagram', 'template', { elements: { 0: {} } }, ['request.elements: must be an array of 1 to 10 objects']],
    [
      'instagram',
      'template',
      { elements: Array(11).fill({ title: 'x', buttons: [] }) },
      ['request.elements: must be an array of 1 to 10 objects'],
    ],
    [
      'messenger',
      'template',
      {
        elements: [
          { title: 'x', buttons: [] },
          null,
          { title: '', buttons: 'none', url: 1 },
          [{ title: 'x', buttons: [] }],
          {},
        ],
      },
      [
        `request.elements[2].url: ${UNKNOWN}`,
        'request.elements[1]: must be an object',
        `request.elements[2].title: ${TEXT}`,
        'request.elements[2].buttons: must be an array',
        'request.elements[3]: must be an object',
        `request.elements[4].title: ${TEXT}`,
        'request.elements[4].buttons: must be an array',
      ],
    ],
  ];

  test.each(cases)('%s %s with a fault is refused: case %#', (channel, type, change, violations) => {
    expect(violationsOf(channel, type, change)).toEqual(violations);
  });

  test.each(VALID)('of $channel $type must not be empty', ({ channel, type, request }) => {
    const { violations } = refused(encode({ id: 'a', type, request: {} }), channel);
    for (const field of ['workspace', ...Object.keys(request)].filter(
      (name) => !['contact', 'recepient', 'scheduleDateTime'].includes(name),
    )) {
      expect(violations.filter((violation) => violation.startsWith(`request.${field}: must be `))).toHaveLength(1);
    }
    expect(violations).toContain(channel === 'whatsapp' ? EITHER : 'request.contact: must be an object');
  });

  test('reports all its violations beside those of the envelope', () => {
    const request = { contact: { id: '' }, recepient: { phoneNumber: 'x' }, textMessage: 1, extra: 1 };
    const invalid = refused(encode({ id: '', type: 'text', expiresAt: 'x', delivery: 'x', request }));
    expect(new Set(invalid.violations.map((violation) => violation.split(':')[0]))).toEqual(
      new Set([
        'delivery',
        'expiresAt',
        'id',
        'request',
        'request.contact.id',
        'request.extra',
        'request.recepient.phoneNumber',
        'request.textMessage',
        'request.workspace',
      ]),
    );
  });

  test('never shows its values in the violations', () => {
    const secret = 'planted-secret';
    const invalid = refused(
      encode({
        id: `${secret}\n`,
        type: secret,
        request: { contact: secret, workspace: { id: `${secret}\n` }, textMessage: [secret] },
        expiresAt: secret,
        delivery: secret,
      }),
    );
    expect(JSON.stringify(invalid)).not.toContain(secret);
    expect(violationsOf('whatsapp', 'media', { mediaUrl: secret, mimeType: secret }).join()).not.toContain(secret);
  });

  test('shows names of unknown fields cut and escaped', () => {
    expect(violationsOf('telegram', 'template', { [`${'k'.repeat(63)}\u001b\u202e${'z'.repeat(500)}`]: 1 })).toEqual([
      `request["${'k'.repeat(63)}\\u001b"...]: ${UNKNOWN}`,
    ]);
  });

  test('lists at most 50 violations and counts the others', () => {
    const unknown = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`k${index}`, 1]));
    const violations = violationsOf('telegram', 'template', unknown);
    expect(violations).toHaveLength(51);
    expect(violations.at(-1)).toBe('and 30 more');
  });
});

test.each([[null], [5], ['x'], [{ name: 1 }]])(
  'a member named constructor that is %j disturbs nothing',
  (constructor) => {
    expect(refused(encode({ id: 'a', type: 'x', request: { constructor } })).violations).toHaveLength(1);
    expect(violationsOf('messenger', 'template', { elements: { constructor } })).toHaveLength(1);
    expect(violationsOf('messenger', 'template', { contact: { constructor } })).toHaveLength(2);
    expect(violationsOf('messenger', 'template', { elements: [{ constructor }] })).toHaveLength(3);
    expect(
      accepted(encode({ constructor, id: 'a', type: 'text', request: validRequest('whatsapp', 'text') }), 'whatsapp')
        .id,
    ).toBe('a');
  },
);

describe('JSON that would not reach the API unchanged', () => {
  function withButtons(buttons: string, beside = ''): Buffer {
    return Buffer.from(
      `{"id":"a","type":"template",${beside}"request":{"contact":{"id":"c"},"workspace":{"id":"w"},` +
        `"textMessage":"x","buttons":[${buttons}]}}`,
    );
  }

  test.each([
    ['{"__proto__":{"a":1}}', 'request.buttons[0].__proto__: must be absent, this name is not allowed'],
    ['{"\\u005f_proto__":1}', 'request.buttons[0].__proto__: must be absent, this name is not allowed'],
    ['9007199254740993', 'request.buttons[0]: must be a number that a 64-bit float holds unchanged'],
    ['-9007199254740993', 'request.buttons[0]: must be a number that a 64-bit float holds unchanged'],
    ['[1e999]', 'request.buttons[0][0]: must be a number that a 64-bit float holds unchanged'],
    ['"\\ud800"', 'request.buttons[0]: must be well-formed Unicode, without lone surrogates'],
    ['{"\\udc00":1}', 'request.buttons[0]["\\udc00"]: must have a name that is well-formed Unicode'],
  ])('%s is refused', (buttons, violation) => {
    expect(refused(withButtons(buttons), 'telegram').violations).toEqual([violation]);
  });

  test.each([['{"constructor":{"prototype":1}}'], ['9007199254740991'], ['1.5'], ['"\\ud83d\\ude00"']])(
    '%s is not, since it does',
    (buttons) => {
      const { body } = accepted(withButtons(buttons), 'telegram');
      expect(JSON.parse(body).buttons).toEqual([JSON.parse(buttons)]);
    },
  );

  test('a key __proto__ beside the request is refused too, but any number is permitted there', () => {
    expect(refused(withButtons('', '"__proto__":{"id":"b"},'), 'telegram').violations).toEqual([
      '__proto__: must be absent, this name is not allowed',
    ]);
    expect(accepted(withButtons('', '"note":1e999,'), 'telegram').id).toBe('a');
  });

  test('an id or workspace that UTF-8 cannot encode is left out', () => {
    const value = Buffer.from('{"id":"\\ud800","type":"text","request":{"workspace":{"id":"\\ud800"}}}');
    expect(refused(value)).toMatchObject({ id: null, workspaceId: null });
  });

  test('nesting is permitted to 64 levels', () => {
    const nested = (levels: number): Buffer => withButtons('['.repeat(levels) + ']'.repeat(levels));
    expect(accepted(nested(61), 'telegram').id).toBe('a');
    expect(refused(nested(62), 'telegram').violations).toEqual([
      `request.buttons${'[0]'.repeat(62)}: must not be nested deeper than 64 levels`,
    ]);
  });

  test.each([[10_000], [1_000_000]])('nesting of %d levels is refused wherever it is', (levels) => {
    const deep = '['.repeat(levels) + ']'.repeat(levels);
    expect(refused(withButtons(deep), 'telegram').violations).toHaveLength(1);
    expect(refused(withButtons('', `"note":${deep},`), 'telegram').violations).toHaveLength(1);
    expect(refused(Buffer.from(`{"id":${deep}}`)).violations.length).toBeGreaterThan(1);
    expect(refused(Buffer.from('['.repeat(levels))).violations).toEqual(['value: not valid JSON']);
  });
});

test('records made to be slow are refused', () => {
  const elements = Array(300_000).fill({});
  const unknown = Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join(',');
  expect(violationsOf('messenger', 'template', { elements }).length).toBeLessThan(51);
  expect(refused(Buffer.from(`{"id":"a","type":"text","request":{${unknown}}}`)).violations).toHaveLength(51);
  expect(violationsOf('messenger', 'text', { textMessage: '😀'.repeat(1_000_000) })).toHaveLength(1);
});
