import { HasEither, IsButtons, IsE164, IsEntityId, IsMessageText, IsPart, Optional } from './rules';

/** An existing contact. */
export class ContactPart {
  @IsEntityId()
  id!: string;
}

/** A recipient by phone number; only on WhatsApp. */
export class RecepientPart {
  @IsE164()
  phoneNumber!: string;
}

/** The workspace that sends. */
class WorkspacePart {
  @IsEntityId()
  id!: string;
}

/** One card of a Messenger or Instagram template. */
export class ElementPart {
  @IsMessageText()
  title!: string;

  @IsButtons()
  buttons!: unknown[];
}

/** The common part of all requests: sender and recipient. */
export interface MessageRequest {
  readonly workspace: WorkspacePart;
  readonly contact?: ContactPart;
  readonly recepient?: RecepientPart;
}

abstract class WorkspaceRequest {
  @IsPart(() => WorkspacePart)
  workspace!: WorkspacePart;
}

/** Requests of the channels that only know contacts. */
export abstract class ContactMessageRequest extends WorkspaceRequest {
  @IsPart(() => ContactPart)
  contact!: ContactPart;
}

/** WhatsApp's requests, to a contact or a phone number. `recepient` is the API's spelling. */
@HasEither('contact', 'recepient', 'must have one of contact (with id) or recepient (with phoneNumber), not both')
export abstract class WhatsAppMessageRequest extends WorkspaceRequest {
  @Optional()
  @IsPart(() => ContactPart)
  contact?: ContactPart;

  @Optional()
  @IsPart(() => RecepientPart)
  recepient?: RecepientPart;
}
