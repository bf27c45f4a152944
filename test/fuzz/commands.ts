import fc from 'fast-check';
import { CHANNELS, type Channel } from '../../src/contract/channels';
import { VALID } from '../contract/commands';
import { applyByteEdits, byteEdits } from './bytes';

/** A record on the command topic of a channel. */
export interface FuzzedCommand {
  readonly channel: Channel;
  readonly value: Buffer;
}

/**
 * JSON that a JavaScript value may not be able to hold: repeated members, numbers beyond a double, names with escapes.
 */
type Tree =
  | { kind: 'raw'; text: string }
  | { kind: 'array'; items: Tree[] }
  | { kind: 'object'; members: { name: string; value: Tree }[] };

/** A place in a tree: the `index`th item or member of `parent`. */
interface Slot {
  readonly parent: Exclude<Tree, { kind: 'raw' }>;
  readonly index: number;
}

type Edit = (slot: Slot, all: readonly Slot[]) => void;

/** Only so many places are mutated, so that a tree that has grown stays cheap. */
const MAX_SLOTS = 300;
const HUGE = 65_537;

/** Names with a meaning for JavaScript, its libraries, or somebody who spells well. As JSON. */
const names = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...['__proto__', 'constructor', 'toString', 'prototype', 'hasOwnProperty'].map(quote)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['then', 'length', '0', '', 'valueOf', 'toJSON', 'recipient', 'ID', 'text', 'id'].map(quote),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '"\\u005f_proto__"',
      '"\\ud800"',
      '"\\udc00x"',
      '"i\\u0064"',
      quote('k'.repeat(65)),
      quote('\u202ek'),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map(quote) },
);

const numbers = fc.constantFrom(
  '0',
  '-0',
  '1.5',
  '1e-400',
  '1e999',
  '-1e999',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '1e21',
  '12345678901234567890',
);

/** Characters of one or several UTF-16 units: invisible ones, forbidden ones, halves. */
const UNITS = [
  'x',
  '😀',
  'é',
  'e\u0301',
  '\u0000',
  '\ud800',
  '\udc00',
  '\u2028',
  '\u200b',
  '\u00a0',
  '\u0085',
  '\ufeff',
  ' ',
];
/** Lengths near every bound of the contract. */
const SHORT_LENGTHS = [1, 2, 64, 65, 127, 128, 129, 255, 256, 257];
const LONG_LENGTHS = [8_180, 8_192, 8_193, 32_768, 65_535, 65_536, HUGE];

const boundaryText = fc
  .tuple(
    fc.constantFrom(...UNITS),
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...SHORT_LENGTHS) },
      { weight: 1, arbitrary: fc.constantFrom(...LONG_LENGTHS) },
    ),
    fc.constantFrom('', 'a', ' '),
  )
  .map(([unit, times, end]) => quote(unit.repeat(times) + end));

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).map(quote),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map(quote),
  fc.constantFrom('""', '" "', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\u0000"', '"null"', '"[object Object]"'),
  boundaryText,
);

const nesting = fc
  .tuple(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 58, max: 68 }) },
      { weight: 1, arbitrary: fc.constantFrom(1_000, 10_000) },
    ),
    fc.constantFrom(['[', ']'], ['{"a":', '}'], ['[[],', ']']),
  )
  .map(([levels, [open = '', close = '']]) => `${open.repeat(levels)}1${close.repeat(levels)}`);

const junk = fc.oneof(
  { weight: 4, arbitrary: texts },
  { weight: 2, arbitrary: numbers },
  {
    weight: 2,
    arbitrary: fc.constantFrom('null', 'true', 'false', '{}', '[]', '[null]', '{"id":"c-1"}', '{"constructor":1}'),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: nesting },
);

const twoDigits = fc.integer({ min: 0, max: 62 }).map((value) => String(value).padStart(2, '0'));
const sensibleDigits = fc.constantFrom('01', '02', '12', '23');
const clock = fc.tuple(
  fc.oneof(sensibleDigits, twoDigits),
  fc.oneof(sensibleDigits, twoDigits),
  fc.constantFrom('', ':00', ':59.5', ':59.123456789', ':60', ':0'),
);
const times = fc
  .tuple(
    fc.constantFrom('2026', '2024', '2000', '1900', '0000', '0001', '0099', '9999', '26', '+02026'),
    fc.oneof(sensibleDigits, twoDigits),
    fc.oneof(sensibleDigits, fc.constantFrom('28', '29', '30', '31', '32', '00')),
    fc.constantFrom('T', 'T', 'T', 't', ' ', ''),
    clock,
    fc.constantFrom('Z', 'Z', '+01:00', '-23:59', '+0100', '', '+24:00', 'z', 'Z\n', '+1:00'),
  )
  .map(([year, month, day, t, [hour, minute, second], zone]) =>
    t === '' ? `${year}-${month}-${day}` : `${year}-${month}-${day}${t}${hour}:${minute}${second}${zone}`,
  );

const phoneNumbers = fc
  .tuple(
    fc.constantFrom('', '+', '+', '00', '++', ' '),
    fc.integer({ min: 0, max: 17 }),
    fc.constantFrom('', '', '', ' ', 'x', '٣'),
  )
  .map(([prefix, digits, end]) => prefix + '4915112345678901234'.slice(0, digits) + end);
const urls = fc
  .tuple(
    fc.constantFrom('https://', 'http://', 'HTTPS://', 'https:/', 'https:', 'ftp://', 'javascript:', 'data:', '//', ''),
    fc.constantFrom(
      'example.com',
      'exa mple.com',
      '[::1]',
      '[::',
      'user:pw@example.com',
      'example.com:99999',
      'ex\\ample.com',
      'münchen.de',
      '',
    ),
    fc.constantFrom(
      '',
      '/a.png',
      '/a b',
      '/\u00a0',
      '/ü',
      '?x=1',
      '#a',
      `/${'x'.repeat(8_166)}`,
      `/${'x'.repeat(8_200)}`,
      '/%zz',
      '/\n',
    ),
  )
  .map((parts) => parts.join(''));
const mediaTypes = fc
  .tuple(
    fc.constantFrom('image', 'Image', 'a'.repeat(127), 'a'.repeat(128), '', '-a', 'ä'),
    fc.constantFrom('/', '/', '//', ''),
    fc.constantFrom('png', 'vnd.a+b', '*', '', 'b'.repeat(127), 'b'.repeat(128), 'png\n'),
    fc.constantFrom('', '', '; codecs=opus', ';a=b ;\tc="d;\\"e" ', ' ; a="', ';', '; a', '; a=', '; a="\n"', '; ä=b'),
  )
  .map((parts) => parts.join(''));

/** Values that may or may not fit a field. */
const FITTING: ReadonlyMap<string, fc.Arbitrary<string>> = new Map(
  Object.entries({
    phoneNumber: phoneNumbers,
    mediaUrl: urls,
    mimeType: mediaTypes,
    scheduleDateTime: times,
    expiresAt: times,
    delivery: fc.constantFrom('at-least-once', 'at-most-once', 'exactly-once', 'At-Least-Once', ''),
    type: fc.constantFrom('text', 'media', 'template', 'Text', 'sms', 'constructor', ''),
  }),
);
const fitting = fc
  .tuple(...FITTING.values())
  .map((values) => new Map([...FITTING.keys()].map((name, at) => [name, values[at]])));

const edits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Edit>(drop) },
  {
    weight: 2,
    arbitrary: fc.option(junk).map(
      (other): Edit =>
        (slot) =>
          duplicate(slot, other),
    ),
  },
  {
    weight: 2,
    arbitrary: names.map(
      (name): Edit =>
        (slot) =>
          rename(slot, name),
    ),
  },
  {
    weight: 6,
    arbitrary: junk.map(
      (text): Edit =>
        (slot) =>
          put(slot, raw(text)),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fitting, texts).map(([byName, otherwise]): Edit => (slot, all) => {
      const fits = all.filter((each) => FITTING.has(nameOf(each)) || isText(get(each)));
      const target = fits[(slot.index * 7 + all.indexOf(slot)) % Math.max(fits.length, 1)] ?? slot;
      const fit = byName.get(nameOf(target));
      put(target, raw(fit === undefined ? otherwise : quote(fit)));
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(names, junk).map(
      ([name, text]): Edit =>
        (slot) =>
          addMember(slot, name, raw(text)),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Edit>((slot) => put(slot, { kind: 'array', items: [get(slot)] })) },
  {
    weight: 1,
    arbitrary: names.map(
      (name): Edit =>
        (slot) =>
          put(slot, { kind: 'object', members: [{ name, value: get(slot) }] }),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Edit>(lift) },
  {
    weight: 1,
    arbitrary: fc.nat().map(
      (pick): Edit =>
        (slot, all) =>
          swap(slot, all[pick % all.length] ?? slot),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Edit>(asText) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(2, 9, 10, 11, 12, 60, 1_000).map(
      (times): Edit =>
        (slot) =>
          repeat(slot, times),
    ),
  },
);

/** Bytes of valid commands of all operations. Their structure is changed, and sometimes the bytes themselves. */
export const fuzzedCommands: fc.Arbitrary<FuzzedCommand> = fc
  .record({
    sample: fc.constantFrom(...VALID),
    otherChannel: fc.oneof(
      { weight: 9, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom(...CHANNELS) },
    ),
    toContact: fc.boolean(),
    optional: fc.subarray(['expiresAt', 'delivery', 'note']),
    changes: fc.array(fc.tuple(fc.nat(), edits), { maxLength: 4 }),
    space: fc.constantFrom('', '', '', ' ', '\n\t'),
    bytes: byteEdits,
  })
  .map(({ sample, otherChannel, toContact, optional, changes, space, bytes }) => {
    const { type, channel } = sample;
    const { contact: _contact, recepient: _recepient, ...rest } = sample.request;
    const request = toContact ? { contact: { id: 'c-1' }, ...rest } : sample.request;
    const beside = { expiresAt: '2026-11-22T12:00:00Z', delivery: 'at-least-once', note: { campaign: [1, 'x'] } };
    const chosen = Object.entries(beside).filter(([name]) => optional.includes(name));
    const root: Slot['parent'] = {
      kind: 'array',
      items: [toTree({ id: 'a-1', type, request, ...Object.fromEntries(chosen) })],
    };
    for (const [pick, edit] of changes) {
      const slots = slotsBelow(root);
      const slot = slots[pick % slots.length];
      if (slot !== undefined) edit(slot, slots);
    }
    const json = root.items.map((item) => write(item, space)).join('');
    return { channel: otherChannel ?? channel, value: applyByteEdits(Buffer.from(json), bytes) };
  });

function toTree(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: 'array', items: value.map(toTree) };
  if (typeof value !== 'object' || value === null) return raw(JSON.stringify(value));
  return {
    kind: 'object',
    members: Object.entries(value).map(([name, item]) => ({ name: quote(name), value: toTree(item) })),
  };
}

function write(tree: Tree, space: string): string {
  switch (tree.kind) {
    case 'raw':
      return tree.text;
    case 'array':
      return `[${tree.items.map((item) => space + write(item, space)).join(',')}${space}]`;
    case 'object': {
      const members = tree.members.map(({ name, value }) => `${space}${name}:${space}${write(value, space)}`);
      return `{${members.join(',')}${space}}`;
    }
  }
}

function slotsBelow(root: Slot['parent']): Slot[] {
  const slots: Slot[] = [];
  const visit = (parent: Slot['parent']): void => {
    const count = parent.kind === 'array' ? parent.items.length : parent.members.length;
    for (let index = 0; index < count && slots.length < MAX_SLOTS; index++) {
      const slot = { parent, index };
      slots.push(slot);
      const tree = get(slot);
      if (tree.kind !== 'raw') visit(tree);
    }
  };
  visit(root);
  return slots;
}

function get({ parent, index }: Slot): Tree {
  return (parent.kind === 'array' ? parent.items[index] : parent.members[index]?.value) ?? raw('null');
}

function put({ parent, index }: Slot, tree: Tree): void {
  if (parent.kind === 'array') {
    parent.items[index] = tree;
    return;
  }
  const member = parent.members[index];
  if (member !== undefined) member.value = tree;
}

function nameOf({ parent, index }: Slot): string {
  return parent.kind === 'array' ? '' : (parent.members[index]?.name.slice(1, -1) ?? '');
}

function drop({ parent, index }: Slot): void {
  if (parent.kind === 'array') parent.items.splice(index, 1);
  else parent.members.splice(index, 1);
}

/** Repeats a member. Readers of JSON do not agree on which one counts. */
function duplicate(slot: Slot, other: string | null): void {
  const { parent, index } = slot;
  const value = other === null ? get(slot) : raw(other);
  if (parent.kind === 'array') parent.items.push(value);
  else parent.members.push({ name: parent.members[index]?.name ?? '""', value });
}

function rename({ parent, index }: Slot, name: string): void {
  const member = parent.kind === 'object' ? parent.members[index] : undefined;
  if (member !== undefined) member.name = name;
}

function addMember(slot: Slot, name: string, value: Tree): void {
  const tree = get(slot);
  const into = tree.kind === 'object' ? tree : slot.parent;
  if (into.kind === 'object') into.members.push({ name, value });
  else into.items.push(value);
}

function lift(slot: Slot): void {
  const tree = get(slot);
  if (tree.kind === 'array' && tree.items[0] !== undefined) put(slot, tree.items[0]);
  else if (tree.kind === 'object' && tree.members[0] !== undefined) put(slot, tree.members[0].value);
}

/** Never swaps a place with one below it: the tree would become a ring. */
function swap(slot: Slot, other: Slot): void {
  const [mine, theirs] = [get(slot), get(other)];
  if (mine.kind !== 'raw' && theirs.kind !== 'raw') return;
  put(slot, structuredClone(theirs));
  put(other, structuredClone(mine));
}

/** A number becomes a text, a text becomes its content, a structure becomes its JSON. */
function asText(slot: Slot): void {
  const tree = get(slot);
  if (!isText(tree)) put(slot, raw(quote(write(tree, ''))));
  else if (tree.kind === 'raw' && /^"\d+"$/.test(tree.text)) put(slot, raw(tree.text.slice(1, -1)));
}

function repeat(slot: Slot, times: number): void {
  const tree = get(slot);
  const item = tree.kind === 'array' ? (tree.items[0] ?? raw('null')) : tree;
  // The text is written once, so the tree stays small.
  put(slot, raw(`[${Array.from({ length: times }).fill(write(item, '').slice(0, HUGE)).join(',')}]`));
}

function isText(tree: Tree): boolean {
  return tree.kind === 'raw' && tree.text.startsWith('"');
}

function raw(text: string): Tree {
  return { kind: 'raw', text };
}

function quote(text: string): string {
  return JSON.stringify(text);
}
