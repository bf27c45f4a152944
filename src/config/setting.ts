import { Transform } from 'class-transformer';
import { IsDefined, ValidateIf } from '../contract/class-validator';
import type { Kind } from './kinds';

/** The value of a variable that is not set: none, a text read like a given one, a value derived from others, or a fault. */
export type Unset =
  | { readonly kind: 'none' }
  /** `isEmptyMeant`: an empty variable is empty on purpose, and the default does not replace it. */
  | { readonly kind: 'default'; readonly text: string; readonly isEmptyMeant?: true }
  | { readonly kind: 'derived'; readonly shown: string }
  | { readonly kind: 'required'; readonly example: string };

/** How a variable carries its value: as its own text; a secret also by `<NAME>_FILE`; or always as the path of a file. */
export type Carrier = 'text' | 'secret' | 'file';

/** One environment variable, as readers and documents need it. */
export interface SettingEntry {
  readonly variable: string;
  readonly unset: Unset;
  /** One sentence without its full stop. */
  readonly meaning: string;
  readonly mustBe: string;
  readonly carrier: Carrier;
  /** Name in the documents. Settings that share one are documented once. */
  readonly shownAs: string;
}

const entries = new Map<object, SettingEntry[]>();

/** The settings declared on a class, in the order of their declaration. */
export function settingsOf(type: { readonly prototype: object }): readonly SettingEntry[] {
  return entries.get(type.prototype) ?? [];
}

/** The variable that names the file of a secret. */
export function fileVariable(variable: string): string {
  return `${variable}_FILE`;
}

/**
 * Declares the property to be the environment variable of the same name: how its text is read, what it must be, and what
 * the documents say about it. The property is null if the variable is not set and has no default.
 */
export function Setting<T>(
  kind: Kind<T>,
  unset: Unset,
  meaning: string,
  carrier: Carrier = 'text',
  shownAs: string | null = null,
) {
  return <K extends string>(target: { readonly [P in K]: T | null }, variable: K): void => {
    const { mustBe } = kind;
    const declared = entries.get(target) ?? [];
    entries.set(target, [...declared, { variable, unset, meaning, mustBe, carrier, shownAs: shownAs ?? variable }]);

    Transform(({ value }: { value: string | null }) => (value === null ? null : kind.parse(value)))(target, variable);
    if (unset.kind === 'required') {
      const alternative = carrier === 'secret' ? ` here or by ${fileVariable(variable)}` : '';
      IsDefined({ message: `must be set${alternative}: ${mustBe}` })(target, variable);
    }
    ValidateIf((_, value) => value !== null || unset.kind === 'required')(target, variable);
    for (const check of kind.checks) check({ message: `must be ${mustBe}` })(target, variable);
  };
}
