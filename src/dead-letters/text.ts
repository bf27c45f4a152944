/** Control characters and line breaks. Any producer can put them into a dead letter, and a terminal would obey them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text that is safe to print, on one line. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, ' ');
}

/** A table for people: columns are aligned, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => padded(row[column] ?? '', width))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}

function padded(text: string, width: number): string {
  return /^\d+$/.test(text) ? text.padStart(width) : text.padEnd(width);
}
