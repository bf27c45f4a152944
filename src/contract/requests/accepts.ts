import { getMetadataStorage, ValidationTypes, type ValidationArguments } from '../class-validator';

type Test = (value: unknown, args: ValidationArguments) => boolean | Promise<boolean>;
type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

interface Checks {
  readonly property: string;
  /** The field is checked only if all of these hold. */
  readonly conditions: readonly ((object: object, value: unknown) => boolean)[];
  readonly tests: readonly Test[];
  readonly isNested: boolean;
}

/** The arguments of a rule. One object serves all rules: they are synchronous and do not keep it. */
const args: ValidationArguments = { object: {}, value: null, property: '', targetName: '', constraints: [] };

/** Null if a class uses a feature of class-validator that is not supported here. */
const compiled = new Map<object, readonly Checks[] | null>();

/**
 * Whether a DTO instance certainly breaks no rule; false if only class-validator can tell. `validateSync` collects the
 * metadata of every class again on every call: 12 µs for each command, twice the time of all other decoding. This runs
 * the same rules, collected once. Only class-validator refuses a command and words its violations.
 */
export function accepts(instance: object): boolean {
  const checks = checksOf(instance.constructor);
  return checks !== null && checks.every((check) => passes(instance, check));
}

function passes(object: object, { property, conditions, tests, isNested }: Checks): boolean {
  const value: unknown = Reflect.get(object, property);
  for (const condition of conditions) if (!condition(object, value)) return true;
  args.object = object;
  args.value = value;
  args.property = property;
  args.targetName = object.constructor.name;
  for (const test of tests) if (test(value, args) !== true) return false;
  if (!isNested || value === undefined) return true;
  return Array.isArray(value) ? value.every(acceptsNested) : acceptsNested(value);
}

function acceptsNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && accepts(value);
}

function checksOf(type: object): readonly Checks[] | null {
  let checks = compiled.get(type);
  if (checks === undefined) {
    checks = compile(type);
    compiled.set(type, checks);
  }
  return checks;
}

function compile(type: object): readonly Checks[] | null {
  if (typeof type !== 'function') return null;
  const storage = getMetadataStorage();
  const rules = storage.getTargetValidationMetadatas(type, '', false, false);
  if (rules.length === 0 || !rules.every(isFollowed)) return null;
  return Object.entries(storage.groupByPropertyName(rules)).map(([property, ofProperty]) => {
    const select = (kind: string): Metadata[] => ofProperty.filter((metadata) => metadata.type === kind);
    return {
      property,
      conditions: select(ValidationTypes.CONDITIONAL_VALIDATION).map((metadata) => metadata.constraints[0]),
      tests: select(ValidationTypes.CUSTOM_VALIDATION).flatMap(testsOf),
      isNested: select(ValidationTypes.NESTED_VALIDATION).length > 0,
    };
  });
}

function isFollowed({ type, each, validateIf, constraints }: Metadata): boolean {
  if (type === ValidationTypes.NESTED_VALIDATION || type === ValidationTypes.CONDITIONAL_VALIDATION) return true;
  return type === ValidationTypes.CUSTOM_VALIDATION && !each && !validateIf && (constraints ?? []).length === 0;
}

function testsOf(metadata: Metadata): Test[] {
  return getMetadataStorage()
    .getTargetValidatorConstraints(metadata.constraintCls)
    .map(
      ({ instance }) =>
        (value, args) =>
          instance.validate(value, args),
    );
}
