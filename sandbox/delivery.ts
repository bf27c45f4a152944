import type { Socket } from 'node:net';
import { headOf } from './answers.ts';
import type { Answer, Reply } from './answers.ts';

/** Body of a `huge` answer, in bytes. */
const HUGE_BYTES = 100_000_000;
/**
 * Time between two bytes of a `trickle` answer, in ms: its usual body of 45 bytes takes longer than any sensible
 * deadline.
 */
const TRICKLE_INTERVAL_MS = 500;

const HUGE_PIECE = Buffer.alloc(1_000_000, 'x');

/**
 * Sends an answer in its way. Calls `done` once, when the call is over; never for `hang`, and never if the connection
 * closes first.
 */
export function deliver(socket: Socket, answer: Answer, keepAlive: boolean, done: () => void): void {
  switch (answer.delivery) {
    case 'whole':
      writeWhole(socket, answer.reply, keepAlive);
      done();
      return;
    case 'truncated':
      writeTruncated(socket, answer.reply);
      done();
      return;
    case 'trickle':
      trickle(socket, answer.reply, keepAlive, done);
      return;
    case 'huge':
      writeHuge(socket, answer.reply, keepAlive, done);
      return;
    case 'reset':
      socket.resetAndDestroy();
      done();
      return;
    case 'hang':
      return;
  }
}

function writeWhole(socket: Socket, reply: Reply, keepAlive: boolean): void {
  socket.write(headOf(reply, reply.body.length, keepAlive) + reply.body, 'latin1');
}

function writeTruncated(socket: Socket, reply: Reply): void {
  const { body } = reply;
  socket.end(headOf(reply, body.length, false) + body.slice(0, body.length / 2), 'latin1');
}

function trickle(socket: Socket, reply: Reply, keepAlive: boolean, done: () => void): void {
  let sent = 0;
  socket.write(headOf(reply, reply.body.length, keepAlive), 'latin1');
  const timer = setInterval(() => {
    socket.write(reply.body.charAt(sent++), 'latin1');
    if (sent < reply.body.length) return;
    clearInterval(timer);
    done();
  }, TRICKLE_INTERVAL_MS);
  socket.once('close', () => clearInterval(timer));
}

function writeHuge(socket: Socket, reply: Reply, keepAlive: boolean, done: () => void): void {
  let left = HUGE_BYTES;
  const more = (): void => {
    while (left > 0) {
      const piece = left < HUGE_PIECE.length ? HUGE_PIECE.subarray(0, left) : HUGE_PIECE;
      left -= piece.length;
      if (!socket.write(piece) && left > 0) {
        socket.once('drain', more);
        return;
      }
    }
    done();
  };
  socket.write(headOf(reply, HUGE_BYTES, keepAlive), 'latin1');
  more();
}
