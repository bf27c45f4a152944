import { registerDecorator, ValidateBy, ValidateIf, ValidateNested } from '../class-validator';
import { isRecord } from '../json';
import { isIsoDateTime } from '../time';
import { nest, optional, type DtoClass } from './shape';

/** Longest message text or template, in Unicode code points. */
const MAX_TEXT_CHARACTERS = 65_536;
/** Longest contact or workspace id, in Unicode code points. */
export const MAX_ID_CHARACTERS = 256;
/** Most elements of one template message. */
export const MAX_ELEMENTS = 10;
/** In characters. Presigned object-store URLs with a session token have about 2,500. */
const MAX_URL_LENGTH = 8_192;

/** ITU-T E.164: at most 15 digits, the first one not zero. */
const E164 = /^\+?[1-9]\d{1,14}$/;
/** RFC 6838, section 4.2: a restricted name. */
const MIME_NAME = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}';
/** RFC 9110, section 5.6: a token, and a quoted text, of which only what is ASCII. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-[\\]-~]|\\\\[\\t -~])*"';
/** RFC 9110, section 8.3.1, but for a semicolon without a parameter, which the RFC only bears with. */
const MIME_TYPE = new RegExp(`^${MIME_NAME}/${MIME_NAME}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*$`);
/** `URL` alone would repair missing slashes, backslashes and inner whitespace, and the text is sent as it stands. */
const HTTP_URL = /^https?:\/\/[^\s\\/?#][^\s\\]*$/i;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const NOT_BLANK = /\S/;

/**
 * Whether a text has 1 to `max` Unicode code points and is not only whitespace. A text of 1 MB costs no more than a
 * permitted one: code points are counted only if the number of UTF-16 units does not decide.
 */
function isText(value: unknown, max: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 2 * max) return false;
  return (value.length <= max || countCodePoints(value) <= max) && NOT_BLANK.test(value);
}

function countCodePoints(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return count;
}

/** Whether a value is an id: 1 to `max` code points, not blank, without control characters and line separators. */
export function isIdentifier(value: unknown, max: number): value is string {
  return isText(value, max) && !UNPRINTABLE.test(value);
}

/**
 * A field decorator with one test and one message. The message says what the field must be, and never quotes the value:
 * values are phone numbers and message texts.
 */
export function rule(name: string, validate: (value: unknown) => boolean, must: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate, defaultMessage: () => must } });
}

/** The field may be absent, or null, which counts as absent (see `withoutNulls`). */
export function Optional(): PropertyDecorator {
  return (target, property) => {
    optional(target, property);
    ValidateIf((_object, value) => value !== undefined)(target, property);
  };
}

/** A message text or template: 1 to 65,536 characters (code points), not blank. */
export function IsMessageText(): PropertyDecorator {
  return rule(
    'isMessageText',
    (value) => isText(value, MAX_TEXT_CHARACTERS),
    'must be a text of 1 to 65,536 characters that is not blank',
  );
}

/** The id of a contact or workspace: 1 to 256 printable characters, not blank. */
export function IsEntityId(): PropertyDecorator {
  return rule(
    'isEntityId',
    (value) => isIdentifier(value, MAX_ID_CHARACTERS),
    'must be a text of 1 to 256 printable characters that is not blank',
  );
}

/** A phone number in E.164, with or without `+`. */
export function IsE164(): PropertyDecorator {
  return rule(
    'isE164',
    (value) => typeof value === 'string' && E164.test(value),
    'must be a phone number in E.164 format, with or without +',
  );
}

/** An absolute http or https URL of at most 8,192 characters. */
export function IsMediaUrl(): PropertyDecorator {
  return rule(
    'isMediaUrl',
    (value) =>
      typeof value === 'string' && value.length <= MAX_URL_LENGTH && HTTP_URL.test(value) && URL.canParse(value),
    'must be an http or https URL of at most 8,192 characters',
  );
}

/** A media type as `type/subtype`, with or without parameters: `audio/ogg; codecs=opus`. */
export function IsMimeType(): PropertyDecorator {
  return rule(
    'isTypeSlashSubtype',
    (value) => typeof value === 'string' && MIME_TYPE.test(value),
    'must be a media type such as audio/ogg or audio/ogg; codecs=opus',
  );
}

/** An ISO 8601 calendar date, or a date and time. The offset may be absent: the API does not require one. */
export function IsScheduleTime(): PropertyDecorator {
  return rule('isScheduleTime', isIsoDateTime, 'must be an ISO 8601 date and time');
}

/** An array of buttons. The API does not specify them, so they may be any JSON. */
export function IsButtons(): PropertyDecorator {
  return rule('isButtons', Array.isArray, 'must be an array');
}

/** A nested object that is valid as `type()`. */
export function IsPart(type: () => DtoClass): PropertyDecorator {
  return (target, property) => {
    rule('isPart', isRecord, 'must be an object')(target, property);
    ValidateNested()(target, property);
    nest(target, property, { type, maxItems: null });
  };
}

/** An array of 1 to `maxItems` nested objects that are valid as `type()`. */
export function IsPartList(type: () => DtoClass, maxItems: number): PropertyDecorator {
  return (target, property) => {
    rule(
      'isPartList',
      (value) => Array.isArray(value) && value.length >= 1 && value.length <= maxItems,
      `must be an array of 1 to ${maxItems} objects`,
    )(target, property);
    ValidateNested({ each: true, message: 'must be an object' })(target, property);
    nest(target, property, { type, maxItems });
  };
}

/**
 * A class with two fields, exactly one of which must be present. The rule is registered under the empty property name,
 * which means the object itself: the violation appears once, with the path of the object.
 */
export function HasEither(first: string, second: string, must: string): ClassDecorator {
  return (target) => {
    registerDecorator({
      name: 'hasEither',
      target,
      propertyName: '',
      validator: {
        validate: (_value, of) => {
          const object: object = of?.object ?? {};
          return Reflect.get(object, first) === undefined
            ? Reflect.get(object, second) !== undefined
            : Reflect.get(object, second) === undefined;
        },
        defaultMessage: () => must,
      },
    });
  };
}
