/** The used part of kafkajs's encoder of the Kafka protocol. */
interface Encoder {
  buf: Buffer;
  offset: number;
  ensureAvailable: (this: Encoder, bytes: number) => void;
  writeUVarInt: (this: Encoder, value: number) => Encoder;
  writeVarLong: (this: Encoder, value: unknown) => Encoder;
}

interface EncoderClass {
  readonly prototype: Encoder;
  nextPowerOfTwo: (this: void, bytes: number) => number;
  sizeOfVarInt(value: number): number;
  /** Static: it calls other methods by the name of its class, so it needs no `this`. */
  sizeOfVarLong: (this: void, value: unknown) => number;
}

/** Most bytes of a 32-bit integer in the protocol's variable-length form. */
const VAR_INT_BYTES = 5;
/** kafkajs' first buffer, for each record and for each header. */
const INITIAL_BYTES = 511;
/** V8 keeps typed arrays of up to 64 bytes in its heap, which costs a fraction of a separate buffer. */
const SMALL_BYTES = 64;
/** Below this a long can be written like an int: zigzag doubles it, and shifts work on 32 bits. */
const MAX_INT = 2 ** 30;

/**
 * Replaces how kafkajs 2.2.4 writes variable-length integers, of which each record has a dozen. kafkajs makes an array
 * and a buffer for each, uses BigInt arithmetic for timestamps, and begins with a zeroed buffer of 512 bytes for each
 * record and each header. The bytes are the same here, with a quarter less time and little garbage.
 */
export function patchProtocolEncoding(): void {
  const encoder = require('kafkajs/src/protocol/encoder') as EncoderClass;
  const { nextPowerOfTwo, sizeOfVarLong } = encoder;
  const { writeVarLong } = encoder.prototype;

  // Only the constructor calls this: `ensureAvailable` is replaced below.
  encoder.nextPowerOfTwo = (bytes) => (bytes === INITIAL_BYTES ? SMALL_BYTES : nextPowerOfTwo(bytes));
  encoder.prototype.ensureAvailable = function (bytes) {
    const needed = this.offset + bytes;
    if (needed <= this.buf.length) return;
    const grown = Buffer.alloc(nextPowerOfTwo(needed));
    this.buf.copy(grown, 0, 0, this.offset);
    this.buf = grown;
  };
  encoder.sizeOfVarLong = (value) => (isSmall(value) ? encoder.sizeOfVarInt(value) : sizeOfVarLong(value));
  encoder.prototype.writeVarLong = function (value) {
    return isSmall(value) ? this.writeUVarInt(value << 1) : writeVarLong.call(this, value);
  };
  encoder.prototype.writeUVarInt = function (value) {
    this.ensureAvailable(VAR_INT_BYTES);
    let rest = value;
    while ((rest & ~0x7f) !== 0) {
      this.buf[this.offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buf[this.offset++] = rest;
    return this;
  };
}

function isSmall(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < MAX_INT;
}
