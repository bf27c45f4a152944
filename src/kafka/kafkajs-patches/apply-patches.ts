import { patchChecksum } from './checksum';
import { patchFetchedBatches } from './fetched-batches';
import { patchJoiningConnections } from './joining-connections';
import { patchProduceAnswers } from './produce-answers';
import { patchProtocolDecoding } from './protocol-decoding';
import { patchProtocolEncoding } from './protocol-encoding';
import { patchRecordEncoding } from './record-encoding';
import { patchRequestTimeouts } from './request-timeouts';
import { patchWaitingRequests } from './waiting-requests';

let areApplied = false;

/**
 * Patches kafkajs 2.2.4, once in a process. README.md beside this file says what each patch is for. Must be called
 * before anything is connected: kafkajs loads its encoders with the first request, and must then find the patches.
 */
export function applyPatches(): void {
  if (areApplied) return;
  areApplied = true;
  patchFetchedBatches();
  patchProtocolDecoding();
  patchProtocolEncoding();
  patchRecordEncoding();
  patchChecksum();
  patchProduceAnswers();
  patchRequestTimeouts();
  patchWaitingRequests();
  patchJoiningConnections();
}
