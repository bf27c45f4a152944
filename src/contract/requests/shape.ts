import { getMetadataStorage } from '../class-validator';
import { isRecord } from '../json';
import type { Violations } from '../violations';

/** A DTO class without constructor arguments. */
export type DtoClass<T extends object = object> = new () => T;

/** The content of a field with nested DTOs: one DTO if `maxItems` is null, else an array. */
interface Nesting {
  readonly type: () => DtoClass;
  readonly maxItems: number | null;
}

interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly nesting: Nesting | null;
}

const nestings = new Map<object, Map<string | symbol, Nesting>>();
const optionals = new Map<object, Map<string | symbol, true>>();
const shapes = new Map<DtoClass, readonly Field[]>();

/** Registers that a field of a DTO's prototype has nested DTOs. */
export function nest(prototype: object, property: string | symbol, nesting: Nesting): void {
  const fields = nestings.get(prototype) ?? new Map<string | symbol, Nesting>();
  nestings.set(prototype, fields.set(property, nesting));
}

/** Records that a field of a DTO's prototype may be absent. */
export function optional(prototype: object, property: string | symbol): void {
  const fields = optionals.get(prototype) ?? new Map<string | symbol, true>();
  optionals.set(prototype, fields.set(property, true));
}

/**
 * The parsed JSON of a DTO without its optional fields that are null, nested DTOs included; the same object where there
 * is
 * none. Many serializers write null for what is not set, and the API's schemas know no null. Elements of arrays stay as
 * they are.
 */
export function withoutNulls(
  type: DtoClass,
  plain: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  let kept = plain;
  for (const { name, isOptional, nesting } of fieldsOf(type)) {
    const value = Object.hasOwn(plain, name) ? plain[name] : undefined;
    if (value === null && isOptional) {
      const { [name]: _, ...others } = kept;
      kept = others;
    } else if (nesting !== null && nesting.maxItems === null && isRecord(value)) {
      const part = withoutNulls(nesting.type(), value);
      if (part !== value) kept = { ...kept, [name]: part };
    }
  }
  return kept;
}

/**
 * Makes an instance of a DTO class, with its nested DTOs, from parsed JSON. Reports every field that the class does not
 * have. Its time is in proportion to the number of fields and keys, whatever the values are.
 *
 * It replaces `plainToInstance`, which is not safe on records that anybody may write: it throws on a key `constructor`
 * (legal inside buttons), drops keys such as `toString` before they can be refused, compares all keys of an object with
 * each other, and copies unknown fields. class-validator's whitelist also accepts `toString` as known.
 */
export function instantiate<T extends object>(
  type: DtoClass<T>,
  plain: Readonly<Record<string, unknown>>,
  violations: Violations,
): T {
  const instance = new type();
  const fields = fieldsOf(type);
  let present = 0;
  for (const { name, nesting } of fields) {
    if (!Object.hasOwn(plain, name)) continue;
    present++;
    const value = plain[name];
    Reflect.set(instance, name, nesting === null ? value : instantiateNested(nesting, name, value, violations));
  }
  const keys = Object.keys(plain);
  if (keys.length > present) reportUnknown(keys, fields, violations);
  return instance;
}

/**
 * A value of the wrong kind becomes null: class-validator would accept an array of DTOs as one DTO, and would read the
 * `constructor` of an object that is not a DTO.
 */
function instantiateNested({ type, maxItems }: Nesting, name: string, value: unknown, violations: Violations): unknown {
  if (maxItems === null) return instantiateAt(type(), name, value, violations);
  if (!Array.isArray(value)) return null;
  // One item more than permitted shows that there are too many. To validate 300,000 items would take seconds.
  violations.enter(name);
  const items = value.slice(0, maxItems + 1).map((item, index) => instantiateAt(type(), index, item, violations));
  violations.leave();
  return items;
}

function instantiateAt(type: DtoClass, part: string | number, value: unknown, violations: Violations): object | null {
  if (!isRecord(value)) return null;
  violations.enter(part);
  const instance = instantiate(type, value, violations);
  violations.leave();
  return instance;
}

function reportUnknown(keys: readonly string[], fields: readonly Field[], violations: Violations): void {
  const known = new Set(fields.map((field) => field.name));
  for (const key of keys) {
    if (!known.has(key)) violations.add(key, 'must be absent, the request has no such field');
  }
}

/** The fields of a DTO class and its ancestors: those with a rule of class-validator. */
function fieldsOf(type: DtoClass): readonly Field[] {
  const cached = shapes.get(type);
  if (cached !== undefined) return cached;
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const names = new Set(rules.map((metadata) => metadata.propertyName));
  names.delete('');
  const fields = [...names].map((name) => ({
    name,
    isOptional: recorded(optionals, type, name) ?? false,
    nesting: recorded(nestings, type, name) ?? null,
  }));
  shapes.set(type, fields);
  return fields;
}

/** What was recorded of a field, on the class itself or the nearest ancestor. */
function recorded<T>(of: ReadonlyMap<object, ReadonlyMap<string | symbol, T>>, type: DtoClass, name: string): T | null {
  for (
    let prototype: object | null = type.prototype;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const value = of.get(prototype)?.get(name);
    if (value !== undefined) return value;
  }
  return null;
}
