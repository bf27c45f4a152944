import type { Channel } from './channels';
import { Validator, type ValidationError, type ValidatorOptions } from './class-validator';
import type { Command, Decoded } from './command';
import { Envelope, isCommandId, isMessageType } from './envelope';
import { inspect, isRecord, parseObject, type JsonObject } from './json';
import { findOperation, typesOf, type Operation } from './operations';
import { accepts } from './requests/accepts';
import { isIdentifier, MAX_ID_CHARACTERS } from './requests/rules';
import { instantiate, withoutNulls } from './requests/shape';
import { parseInstant } from './time';
import { Violations } from './violations';

const validator = new Validator();
/**
 * `forbidUnknownValues` would refuse a request of an unknown operation, which has no rules. `instantiate` refuses
 * unknown fields.
 */
const OPTIONS: ValidatorOptions = { forbidUnknownValues: false, validationError: { target: false, value: false } };

/**
 * Reads a record of a channel's command topic. It is pure and never throws. Its time is in proportion to the number of
 * bytes, whatever they are. A refused command has a list of all its violations, by path and without values.
 */
export function decodeCommand(value: Buffer | null, channel: Channel): Decoded {
  const parsed = parseObject(value);
  if (!parsed.ok) {
    return { ok: false, invalid: { id: null, type: null, workspaceId: null, violations: [parsed.violation] } };
  }
  const { document } = parsed;
  const type = isMessageType(document['type']) ? document['type'] : null;
  const operation = type === null ? null : findOperation(channel, type);

  const violations = new Violations();
  inspect(document, violations);
  const request = toRequest(document['request'], operation);
  const envelope = readEnvelope(document, request, operation, violations);
  if (type !== null && operation === null) {
    violations.add('type', `must be one of ${typesOf(channel).join(', ')} on the channel ${channel}`);
  }
  if (!accepts(envelope)) report(validator.validateSync(envelope, OPTIONS), violations);

  if (operation !== null && violations.isEmpty) {
    return { ok: true, command: toCommand(envelope, operation, JSON.stringify(request)) };
  }
  return {
    ok: false,
    invalid: {
      id: isCommandId(document['id']) && document['id'].isWellFormed() ? document['id'] : null,
      type,
      workspaceId: workspaceIdOf(document['request']),
      violations: violations.list(),
    },
  };
}

/** The member `request` as it is sent, if it is an object; null otherwise. */
function toRequest(request: unknown, operation: Operation | null): JsonObject | null {
  if (!isRecord(request)) return null;
  return operation === null ? request : withoutNulls(operation.request, request);
}

function readEnvelope(
  { id, type, expiresAt, delivery }: JsonObject,
  request: JsonObject | null,
  operation: Operation | null,
  violations: Violations,
): Envelope {
  return Object.assign(new Envelope(), {
    id,
    type,
    expiresAt: expiresAt ?? undefined,
    delivery: delivery ?? undefined,
    request: readRequest(request, operation, violations),
  });
}

/** Never what was parsed: class-validator would read the rules of an object's own `constructor` member. */
function readRequest(request: JsonObject | null, operation: Operation | null, violations: Violations): object | null {
  if (request === null) return null;
  if (operation === null) return {};
  violations.enter('request');
  const instance = instantiate(operation.request, request, violations);
  violations.leave();
  return instance;
}

/** Adds one violation per field: if several rules of a field are broken, the first says what the field must be. */
function report(errors: readonly ValidationError[], violations: Violations): void {
  for (const { property, constraints, children } of errors) {
    const [must] = Object.values(constraints ?? {});
    const part = toPathPart(property);
    if (must !== undefined) violations.add(part, must);
    if (part === null || children === undefined || children.length === 0) continue;
    violations.enter(part);
    report(children, violations);
    violations.leave();
  }
}

/** Digits are positions in an array, since no DTO has such fields. The empty name means the object itself. */
function toPathPart(property: string): string | number | null {
  if (property === '') return null;
  return /^\d+$/.test(property) ? Number(property) : property;
}

function toCommand(envelope: Envelope, operation: Operation, body: string): Command {
  const { contact, recepient, workspace } = envelope.request;
  return {
    id: envelope.id,
    operation,
    workspaceId: workspace.id,
    recipient: contact?.id ?? recepient?.phoneNumber.replace('+', '') ?? '',
    body,
    expiresAtMs: parseInstant(envelope.expiresAt),
    delivery: envelope.delivery ?? null,
  };
}

function workspaceIdOf(request: unknown): string | null {
  const workspace = isRecord(request) ? request['workspace'] : null;
  const id = isRecord(workspace) ? workspace['id'] : null;
  return isIdentifier(id, MAX_ID_CHARACTERS) && id.isWellFormed() ? id : null;
}
