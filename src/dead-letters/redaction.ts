import { HEADER, type Headers } from '../contract/headers';
import { isRecord, parseObject } from '../contract/json';
import { CAMPAIGN_HEADER, type DeadLetter } from './dead-letter';

/** What stands for content that is not shown. */
export const REDACTED = '[redacted]';

/** Headers whose values place a command, and are none of its content. */
const KNOWN: ReadonlySet<string> = new Set([...Object.values(HEADER), CAMPAIGN_HEADER]);
/** Shorter texts are in too many words to be looked for in an error. */
const MIN_CONTENT_LENGTH = 4;
/** Phone numbers, and the ids of contacts, however they are spaced. */
const LONG_NUMBER = /\+?\d(?:[ ().-]?\d){6,}/g;

/**
 * The error without what it may quote of the command. The service quotes nothing; the API may say to whom it could not send
 * what.
 */
export function redactError({ error, outcome, workspaceId, record }: DeadLetter): string {
  // Made of the names of fields and the rules that they break, which are words that a text may have too.
  if (outcome === 'invalid') return error.replaceAll(LONG_NUMBER, REDACTED);
  const parsed = parseObject(record.value === null ? null : Buffer.from(record.value, 'latin1'));
  const key = record.key === null ? '' : Buffer.from(record.key, 'latin1').toString();
  const contents = [key, ...(parsed.ok ? textsIn(parsed.document['request']) : [])]
    .filter((text) => text.length >= MIN_CONTENT_LENGTH && text !== workspaceId)
    // A text that holds another one goes first, else its rest would stay.
    .toSorted((a, b) => b.length - a.length);
  const bare = contents.reduce((text, content) => text.replaceAll(content, REDACTED), error);
  return bare.replaceAll(LONG_NUMBER, REDACTED);
}

/** The value of a header of a dead letter: content unless it is a known one. */
export function redactHeader(name: string, value: string, letter: DeadLetter): string {
  if (name === HEADER.error) return redactError(letter);
  return KNOWN.has(name) ? value : REDACTED;
}

/** Every header as pairs of name and text, a name that occurs several times as often as it does. */
export function headerTexts(headers: Headers): readonly (readonly [name: string, value: string])[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => [name, each.toString()] as const),
  );
}

function textsIn(value: unknown): readonly string[] {
  const texts: string[] = [];
  // No recursion: nothing bounds the depth of what may have been refused for its depth.
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') texts.push(next);
    else if (Array.isArray(next) || isRecord(next)) for (const member of Object.values(next)) left.push(member);
  }
  return texts;
}
