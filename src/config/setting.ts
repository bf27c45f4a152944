import { Transform } from 'class-transformer';
import { IsDefined, ValidateIf } from '../contract/class-validator';
import type { Kind } from './kinds';

/** What holds if a variable is not set: no value, a default text, a value derived from other settings, or a fault. */
export type Unset =
  | { readonly kind: 'none' }
  /** With `isEmptyMeant` a variable can be empty on purpose: the default does not replace it. */
  | { readonly kind: 'default'; readonly text: string; readonly isEmptyMeant?: true }
  | { readonly kind: 'derived'; readonly shown: string }
  | { readonly kind: 'required'; readonly example: string };

/**
 * Where the value is: in the variable; for a secret, there or in the file named by `<NAME>_FILE`; or always in a file.
 */
export type Carrier = 'text' | 'secret' | 'file';

/** One environment variable, for the readers of the configuration and for the documents. */
export interface SettingEntry {
  readonly variable: string;
  readonly unset: Unset;
  /** One sentence without its full stop. */
  readonly meaning: string;
  readonly mustBe: string;
  readonly carrier: Carrier;
  /** Name in the documents. Settings that share a name are documented once. */
  readonly shownAs: string;
}

const entries = new Map<object, SettingEntry[]>();

/** The settings that a class declares, in the order of their declaration. */
export function settingsOf(type: { readonly prototype: object }): readonly SettingEntry[] {
  return entries.get(type.prototype) ?? [];
}

/** The variable that names the file of a secret. */
export function fileVariable(variable: string): string {
  return `${variable}_FILE`;
}

/**
 * Declares that a property is the environment variable of the same name: how its text is read, what it must be, and
 * what the documents say about it. The property is null if the variable is not set and has no default.
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
