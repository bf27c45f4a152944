import type { Channel, MessageType } from '../../src/contract/channels';

/** A valid `request` of every operation. */
export const VALID: readonly { channel: Channel; type: MessageType; request: Record<string, unknown> }[] = [
  {
    channel: 'whatsapp',
    type: 'text',
    request: { recepient: { phoneNumber: '+4915112345678' }, workspace: { id: 'w-1' }, textMessage: 'Hello' },
  },
  {
    channel: 'whatsapp',
    type: 'media',
    request: {
      contact: { id: 'c-1' },
      workspace: { id: 'w-1' },
      mediaUrl: 'https://example.com/a.png?x=1',
      mimeType: 'image/png',
      scheduleDateTime: '2026-11-22T12:00:00',
    },
  },
  {
    channel: 'whatsapp',
    type: 'template',
    request: { recepient: { phoneNumber: '4915112345678' }, workspace: { id: 'w-1' }, template: 'welcome' },
  },
  {
    channel: 'messenger',
    type: 'text',
    request: { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, textMessage: 'Hello', scheduleDateTime: '2026-11-22' },
  },
  {
    channel: 'messenger',
    type: 'media',
    request: {
      contact: { id: 'c-1' },
      workspace: { id: 'w-1' },
      mediaUrl: 'http://example.com/v.mp4',
      mimeType: 'video/mp4',
    },
  },
  {
    channel: 'messenger',
    type: 'template',
    request: {
      contact: { id: 'c-1' },
      workspace: { id: 'w-1' },
      elements: [
        { title: 'One', buttons: [] },
        { title: 'Two', buttons: [{ constructor: 1, toString: 'x', deep: [1.5, null, true] }] },
      ],
    },
  },
  {
    channel: 'instagram',
    type: 'text',
    request: { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, textMessage: '😀' },
  },
  {
    channel: 'instagram',
    type: 'template',
    request: { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, elements: [{ title: 'One', buttons: ['any'] }] },
  },
  {
    channel: 'telegram',
    type: 'template',
    request: { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, buttons: [{ text: 'Yes' }], textMessage: 'Well?' },
  },
];

/** A valid request of one operation. */
export function validRequest(channel: Channel, type: MessageType): Record<string, unknown> {
  const found = VALID.find((valid) => valid.channel === channel && valid.type === type);
  if (found === undefined) throw new Error(`no operation ${channel} ${type}`);
  return structuredClone(found.request);
}

/** The bytes of a record; empty if JSON cannot hold the value. */
export function encode(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document) ?? '');
}
