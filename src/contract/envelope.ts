import { DELIVERIES, MESSAGE_TYPES, type Delivery, type MessageType } from './channels';
import { ValidateNested } from './class-validator';
import { isRecord } from './json';
import type { MessageRequest } from './requests/parts';
import { isIdentifier, Optional, rule } from './requests/rules';
import { parseInstant } from './time';

/** Longest command id, in Unicode code points. */
const MAX_COMMAND_ID_CHARACTERS = 128;

/** Whether a value is a command id: 1 to 128 characters, not blank, without control characters and line breaks. */
export function isCommandId(value: unknown): value is string {
  return isIdentifier(value, MAX_COMMAND_ID_CHARACTERS);
}

/** Whether a value is a message type of some channel. */
export function isMessageType(value: unknown): value is MessageType {
  return MESSAGE_TYPES.some((type) => type === value);
}

/** The value of a record on a command topic. `request` is the DTO of its operation. Other fields are ignored. */
export class Envelope {
  @rule('isCommandId', isCommandId, 'must be a text of 1 to 128 printable characters that is not blank')
  id!: string;

  @rule('isMessageType', isMessageType, `must be one of ${MESSAGE_TYPES.join(', ')}`)
  type!: MessageType;

  @rule('isRequest', isRecord, 'must be an object')
  @ValidateNested()
  request!: MessageRequest;

  @Optional()
  @rule(
    'isInstant',
    (value) => parseInstant(value) !== null,
    'must be an ISO 8601 date and time with offset, as in 2026-11-22T12:00:00Z',
  )
  expiresAt?: string;

  @Optional()
  @rule(
    'isDelivery',
    (value) => DELIVERIES.some((delivery) => delivery === value),
    `must be one of ${DELIVERIES.join(', ')}`,
  )
  delivery?: Delivery;
}
