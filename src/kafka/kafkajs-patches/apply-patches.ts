import { mendChecksum } from './checksum';
import { mendJoiningConnections } from './joining-connections';
import { mendProduceAnswers } from './produce-answers';
import { mendProtocolDecoding } from './protocol-decoding';
import { mendProtocolEncoding } from './protocol-encoding';
import { mendRecordEncoding } from './record-encoding';
import { mendRequestTimeouts } from './request-timeouts';
import { mendWaitingRequests } from './waiting-requests';

let areApplied = false;

/**
 * Patches kafkajs 2.2.4, once in a process. What each patch is for is in README.md beside this file. To be called before
 * anything is connected: kafkajs loads what encodes requests only with the first one, and must find the patches there.
 */
export function applyPatches(): void {
  if (areApplied) return;
  areApplied = true;
  mendProtocolDecoding();
  mendProtocolEncoding();
  mendRecordEncoding();
  mendChecksum();
  mendProduceAnswers();
  mendRequestTimeouts();
  mendWaitingRequests();
  mendJoiningConnections();
}
