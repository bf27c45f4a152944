import { WhatsAppMessageRequest } from './parts';
import { IsMediaUrl, IsMessageText, IsMimeType, IsScheduleTime, Optional } from './rules';

/** Body of `/v1/messages/whatsapp/sendtext`. */
export class WhatsAppTextMessageRequest extends WhatsAppMessageRequest {
  @IsMessageText()
  textMessage!: string;

  @Optional()
  @IsScheduleTime()
  scheduleDateTime?: string;
}

/** Body of `/v1/messages/whatsapp/sendmedia`. */
export class WhatsAppMediaMessageRequest extends WhatsAppMessageRequest {
  @IsMediaUrl()
  mediaUrl!: string;

  @IsMimeType()
  mimeType!: string;

  @Optional()
  @IsScheduleTime()
  scheduleDateTime?: string;
}

/** Body of `/v1/messages/whatsapp/sendtemplate`. */
export class WhatsAppTemplateMessageRequest extends WhatsAppMessageRequest {
  @IsMessageText()
  template!: string;
}
