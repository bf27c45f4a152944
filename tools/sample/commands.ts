/** A command and the topic suffix it goes to: `<TOPIC_PREFIX>commands.<channel>`. */
export interface SampleCommand {
  readonly channel: string;
  /** The recipient, as a producer would choose it. */
  readonly key: string;
  readonly value: {
    readonly id: string;
    readonly type: string;
    readonly request: Readonly<Record<string, unknown>>;
  };
}

const workspace = { id: 'w-sample' };
const phone = { recepient: { phoneNumber: '+4915112345678' }, workspace };
const contact = { contact: { id: 'c-sample' }, workspace };
const elements = [{ title: 'Your order has left', buttons: [] }];
const picture = { mediaUrl: 'https://example.org/parcel.png', mimeType: 'image/png' };

const REQUESTS = [
  { channel: 'whatsapp', type: 'text', request: { ...phone, textMessage: 'Your order has left.' } },
  { channel: 'whatsapp', type: 'media', request: { ...phone, ...picture } },
  { channel: 'whatsapp', type: 'template', request: { ...phone, template: 'order_shipped' } },
  { channel: 'messenger', type: 'text', request: { ...contact, textMessage: 'Your order has left.' } },
  { channel: 'messenger', type: 'media', request: { ...contact, ...picture } },
  { channel: 'messenger', type: 'template', request: { ...contact, elements } },
  { channel: 'instagram', type: 'text', request: { ...contact, textMessage: 'Your order has left.' } },
  { channel: 'instagram', type: 'template', request: { ...contact, elements } },
  { channel: 'telegram', type: 'template', request: { ...contact, buttons: [], textMessage: 'Your order has left.' } },
] as const;

/** One valid command per endpoint of the Messages API; ids begin with `run`, which keeps runs apart. */
export function sampleCommands(run: string): SampleCommand[] {
  return REQUESTS.map(({ channel, type, request }) => ({
    channel,
    key: 'recepient' in request ? request.recepient.phoneNumber : request.contact.id,
    value: { id: `${run}-${channel}-${type}`, type, request },
  }));
}
