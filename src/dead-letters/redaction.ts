import { HEADER, type Headers } from '../contract/headers';
import { isRecord, parseObject } from '../contract/json';
import { CAMPAIGN_HEADER, type DeadLetter } from './dead-letter';

/** Replaces content that is not shown. */
export const REDACTED = '[redacted]';

/** Headers whose values are not content. */
const KNOWN: ReadonlySet<string> = new Set([...Object.values(HEADER), CAMPAIGN_HEADER]);
/** Shorter contents are not removed from errors: they are part of too many words. */
const MIN_CONTENT_LENGTH = 4;
/** Phone numbers and ids of contacts, with any spacing. */
const LONG_NUMBER = /\+?\d(?:[ ().-]?\d){6,}/g;

/** The error without parts of the command. The service quotes none, but the API's errors may. */
export function redactError({ error, outcome, workspaceId, record }: DeadLetter): string {
  // This error names fields and rules. A message text may have the same words, so texts are not removed.
  if (outcome === 'invalid') return error.replaceAll(LONG_NUMBER, REDACTED);
  const parsed = parseObject(record.value === null ? null : Buffer.from(record.value, 'latin1'));
  const key = record.key === null ? '' : Buffer.from(record.key, 'latin1').toString();
  const contents = [key, ...(parsed.ok ? textsIn(parsed.document['request']) : [])]
    .filter((text) => text.length >= MIN_CONTENT_LENGTH && text !== workspaceId)
    // Long texts first: a text may contain another one, and the rest of it would stay.
    .toSorted((a, b) => b.length - a.length);
  const bare = contents.reduce((text, content) => text.replaceAll(content, REDACTED), error);
  return bare.replaceAll(LONG_NUMBER, REDACTED);
}

/** The value of a header of a dead letter. Unknown headers count as content. */
export function redactHeader(name: string, value: string, letter: DeadLetter): string {
  if (name === HEADER.error) return redactError(letter);
  return KNOWN.has(name) ? value : REDACTED;
}

/** All headers as pairs of name and text. A name that occurs several times has several pairs. */
export function headerTexts(headers: Headers): readonly (readonly [name: string, value: string])[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => [name, each.toString()] as const),
  );
}

function textsIn(value: unknown): readonly string[] {
  const texts: string[] = [];
  // No recursion: the command may have been refused because it is nested too deep.
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') texts.push(next);
    else if (Array.isArray(next) || isRecord(next)) for (const member of Object.values(next)) left.push(member);
  }
  return texts;
}
