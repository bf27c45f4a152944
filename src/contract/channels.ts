/** All channels, in the order of topics and tables. */
export const CHANNELS = ['whatsapp', 'messenger', 'instagram', 'telegram'] as const;
export type Channel = (typeof CHANNELS)[number];

/** The types of message. Channel and type select one operation of the Messages API. */
export const MESSAGE_TYPES = ['text', 'media', 'template'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** The lanes: single messages that somebody waits for, and campaigns. The first one has precedence. */
export const LANES = ['transactional', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

/** What to do if nobody knows whether a call reached the API: send again, or never. */
export const DELIVERIES = ['at-least-once', 'at-most-once'] as const;
export type Delivery = (typeof DELIVERIES)[number];
