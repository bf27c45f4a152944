// Only types: the sample image contains this file, but nothing of src.
import type { Channel, MessageType } from '../../src/contract/channels.ts';

/** The recipient of a command: a contact or, on WhatsApp, a phone number. */
export type Recipient = { readonly contact: string } | { readonly phoneNumber: string };

/** One of the nine operations, and how to make a valid request for it. */
export interface SampleOperation {
  readonly channel: Channel;
  readonly type: MessageType;
  readonly path: string;
  readonly request: (to: Recipient, workspace: string, text: string) => Record<string, unknown>;
}

type Content = (text: string) => Record<string, unknown>;

const TEXT: Content = (text) => ({ textMessage: text });
const MEDIA: Content = (text) => ({
  mediaUrl: `https://media.example.com/${encodeURIComponent(text)}.png`,
  mimeType: 'image/png',
});
const ELEMENTS: Content = (text) => ({ elements: [{ title: text, buttons: [{ type: 'postback', title: 'Yes' }] }] });

/**
 * All operations of the Messages API: the only list of the tools. It shares nothing with the service, which it tests.
 */
export const SAMPLE_OPERATIONS: readonly SampleOperation[] = [
  operation('whatsapp', 'text', TEXT),
  operation('whatsapp', 'media', MEDIA),
  operation('whatsapp', 'template', (text) => ({ template: text })),
  operation('messenger', 'text', TEXT),
  operation('messenger', 'media', MEDIA),
  operation('messenger', 'template', ELEMENTS),
  operation('instagram', 'text', TEXT),
  operation('instagram', 'template', ELEMENTS),
  operation('telegram', 'template', (text) => ({ textMessage: text, buttons: [{ text: 'Yes' }] })),
];

/** All channels, in the order of the operations. */
export const ALL_CHANNELS: readonly Channel[] = [...new Set(SAMPLE_OPERATIONS.map(({ channel }) => channel))];

/** The Kafka key of a command for this recipient. */
export function keyOf(to: Recipient): string {
  return 'contact' in to ? to.contact : to.phoneNumber;
}

function operation(channel: Channel, type: MessageType, content: Content): SampleOperation {
  return {
    channel,
    type,
    path: `/v1/messages/${channel}/send${type}`,
    request: (to, workspace, text) => ({ ...address(to), workspace: { id: workspace }, ...content(text) }),
  };
}

function address(to: Recipient): Record<string, unknown> {
  return 'contact' in to ? { contact: { id: to.contact } } : { recepient: { phoneNumber: to.phoneNumber } };
}
