import { HasEither, IsButtons, IsE164, IsEntityId, IsMessageText, IsPart, Optional } from './rules';

/** An existing contact. */
export class ContactPart {
  @IsEntityId()
  id!: string;
}

/** A recipient by number; WhatsApp only. */
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

/** What all requests have in common: who sends, and to whom. */
export interface MessageRequest {
  readonly workspace: WorkspacePart;
  readonly contact?: ContactPart;
  readonly recepient?: RecepientPart;
}

abstract class WorkspaceRequest {
  @IsPart(() => WorkspacePart)
  workspace!: WorkspacePart;
}

/** Requests of the channels that address contacts only. */
export abstract class ContactMessageRequest extends WorkspaceRequest {
  @IsPart(() => ContactPart)
  contact!: ContactPart;
}

/** WhatsApp's requests, to a contact or to a number. `recepient` is the API's spelling. */
@HasEither('contact', 'recepient', 'must have one of contact (with id) or recepient (with phoneNumber), not both')
export abstract class WhatsAppMessageRequest extends WorkspaceRequest {
  @Optional()
  @IsPart(() => ContactPart)
  contact?: ContactPart;

  @Optional()
  @IsPart(() => RecepientPart)
  recepient?: RecepientPart;
}
