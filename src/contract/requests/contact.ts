import { ContactMessageRequest, ElementPart } from './parts';
import {
  IsButtons,
  IsMediaUrl,
  IsMessageText,
  IsMimeType,
  IsPartList,
  IsScheduleTime,
  MAX_ELEMENTS,
  Optional,
} from './rules';

/** Body of `sendtext` on Messenger and Instagram. */
export class TextMessageRequest extends ContactMessageRequest {
  @IsMessageText()
  textMessage!: string;

  @Optional()
  @IsScheduleTime()
  scheduleDateTime?: string;
}

/** Body of `/v1/messages/messenger/sendmedia`. */
export class MediaMessageRequest extends ContactMessageRequest {
  @IsMediaUrl()
  mediaUrl!: string;

  @IsMimeType()
  mimeType!: string;

  @Optional()
  @IsScheduleTime()
  scheduleDateTime?: string;
}

/** Body of `/v1/messages/messenger/sendtemplate`. */
export class MessengerTemplateMessageRequest extends ContactMessageRequest {
  @IsPartList(() => ElementPart, MAX_ELEMENTS)
  elements!: ElementPart[];
}

/** Body of `/v1/messages/instagram/sendtemplate`. */
export class InstagramTemplateMessageRequest extends ContactMessageRequest {
  @IsPartList(() => ElementPart, MAX_ELEMENTS)
  elements!: ElementPart[];
}

/** Body of `/v1/messages/telegram/sendtemplate`. */
export class TelegramTemplateMessageRequest extends ContactMessageRequest {
  @IsButtons()
  buttons!: unknown[];

  @IsMessageText()
  textMessage!: string;
}
