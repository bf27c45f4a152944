/** The channels a command can go out on, in the order in which topics and tables list them. */
export const CHANNELS = ['whatsapp', 'messenger', 'instagram', 'telegram'] as const;
export type Channel = (typeof CHANNELS)[number];

/** The kinds of message; with the channel they select one operation of the Messages API. */
export const MESSAGE_TYPES = ['text', 'media', 'template'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** The two command topics of a channel: single messages that somebody waits for, and campaigns. First is chosen first. */
export const LANES = ['transactional', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

/** What to do where it cannot be known whether a call reached the API: send again, or never. */
export const DELIVERIES = ['at-least-once', 'at-most-once'] as const;
export type Delivery = (typeof DELIVERIES)[number];
