import type { Channel, MessageType } from './channels';
import {
  InstagramTemplateMessageRequest,
  MediaMessageRequest,
  MessengerTemplateMessageRequest,
  TelegramTemplateMessageRequest,
  TextMessageRequest,
} from './requests/contact';
import type { MessageRequest } from './requests/parts';
import {
  WhatsAppMediaMessageRequest,
  WhatsAppTemplateMessageRequest,
  WhatsAppTextMessageRequest,
} from './requests/whatsapp';

/** One endpoint of the Messages API: the commands that go to it, and the DTO of their `request`. */
export interface Operation {
  readonly channel: Channel;
  readonly type: MessageType;
  /** Appended to `MESSAGES_API_URL`. */
  readonly path: string;
  readonly request: new () => MessageRequest;
}

/** Every endpoint that the service calls. A new endpoint needs a row here and a DTO. */
export const OPERATIONS: readonly Operation[] = [
  {
    channel: 'whatsapp',
    type: 'text',
    path: '/v1/messages/whatsapp/sendtext',
    request: WhatsAppTextMessageRequest,
  },
  {
    channel: 'whatsapp',
    type: 'media',
    path: '/v1/messages/whatsapp/sendmedia',
    request: WhatsAppMediaMessageRequest,
  },
  {
    channel: 'whatsapp',
    type: 'template',
    path: '/v1/messages/whatsapp/sendtemplate',
    request: WhatsAppTemplateMessageRequest,
  },
  { channel: 'messenger', type: 'text', path: '/v1/messages/messenger/sendtext', request: TextMessageRequest },
  { channel: 'messenger', type: 'media', path: '/v1/messages/messenger/sendmedia', request: MediaMessageRequest },
  {
    channel: 'messenger',
    type: 'template',
    path: '/v1/messages/messenger/sendtemplate',
    request: MessengerTemplateMessageRequest,
  },
  { channel: 'instagram', type: 'text', path: '/v1/messages/instagram/sendtext', request: TextMessageRequest },
  {
    channel: 'instagram',
    type: 'template',
    path: '/v1/messages/instagram/sendtemplate',
    request: InstagramTemplateMessageRequest,
  },
  {
    channel: 'telegram',
    type: 'template',
    path: '/v1/messages/telegram/sendtemplate',
    request: TelegramTemplateMessageRequest,
  },
];

/** The operation that a command selects; null if its channel does not have this type. */
export function findOperation(channel: Channel, type: MessageType): Operation | null {
  return OPERATIONS.find((operation) => operation.channel === channel && operation.type === type) ?? null;
}

/** The types of a channel, in the order of the table. */
export function typesOf(channel: Channel): readonly MessageType[] {
  return OPERATIONS.filter((operation) => operation.channel === channel).map((operation) => operation.type);
}
