/** As many broken fields are named; of more, only their number is told. */
const MAX_VIOLATIONS = 50;
const MAX_KEY_LENGTH = 64;
const PLAIN_KEY = /^[A-Za-z_$][\w$-]{0,63}$/;
const UNPRINTABLE = /[^\x20-\x7e]/g;

type PathPart = string | number;

/**
 * Collects the violations of a command as `path: must be …`. It follows the walk through the command, and builds a path
 * only for violations that it keeps: a record with 300,000 faults costs little more than a valid one.
 */
export class Violations {
  private readonly trail: PathPart[] = [];
  private readonly kept: string[] = [];
  private found = 0;

  get isEmpty(): boolean {
    return this.found === 0;
  }

  /** Moves one level down, to the field or item `part`. */
  enter(part: PathPart): void {
    this.trail.push(part);
  }

  /** Moves back up. */
  leave(): void {
    this.trail.pop();
  }

  /**
   * Adds a violation by the field `part` of the current object, or by the object itself if `part` is null. `must` never
   * quotes values.
   */
  add(part: PathPart | null, must: string): void {
    this.found++;
    if (this.kept.length === MAX_VIOLATIONS) return;
    const path = [...this.trail, ...(part === null ? [] : [part])].map(formatPart).join('');
    this.kept.push(`${path.startsWith('.') ? path.slice(1) : path}: ${must}`);
  }

  /** At most 50 violations, then one line with the number of the others. */
  list(): readonly string[] {
    const more = this.found - this.kept.length;
    return more === 0 ? this.kept : [...this.kept, `and ${more} more`];
  }
}

/** A key can be any text. A long one is cut. Characters that could disturb a log or a terminal are escaped. */
function formatPart(part: PathPart): string {
  if (typeof part === 'number') return `[${part}]`;
  if (PLAIN_KEY.test(part)) return `.${part}`;
  const quoted = JSON.stringify(part.slice(0, MAX_KEY_LENGTH)).replace(UNPRINTABLE, escapeUnit);
  return part.length > MAX_KEY_LENGTH ? `[${quoted}...]` : `[${quoted}]`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
