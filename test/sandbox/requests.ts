import { request } from 'undici';
import type { Sandbox } from '../../sandbox/server.ts';

const ADDRESS = { contact: { id: 'c-1' }, workspace: { id: 'w-1' } };
const ELEMENTS = { elements: [{ title: 'A title', buttons: [] }] };
const MEDIA = { mediaUrl: 'https://example.test/a.png', mimeType: 'image/png' };

/** A valid body for each of the nine endpoints. */
export const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/v1/messages/whatsapp/sendtext': { ...ADDRESS, textMessage: 'Hello' },
  '/v1/messages/whatsapp/sendmedia': { ...ADDRESS, ...MEDIA },
  '/v1/messages/whatsapp/sendtemplate': { ...ADDRESS, template: 'welcome' },
  '/v1/messages/messenger/sendtext': { ...ADDRESS, textMessage: 'Hello' },
  '/v1/messages/messenger/sendmedia': { ...ADDRESS, ...MEDIA },
  '/v1/messages/messenger/sendtemplate': { ...ADDRESS, ...ELEMENTS },
  '/v1/messages/instagram/sendtext': { ...ADDRESS, textMessage: 'Hello' },
  '/v1/messages/instagram/sendtemplate': { ...ADDRESS, ...ELEMENTS },
  '/v1/messages/telegram/sendtemplate': { ...ADDRESS, buttons: [], textMessage: 'Hello' },
};

export const TEXT_PATH = '/v1/messages/whatsapp/sendtext';

export interface Sent {
  readonly path?: string;
  readonly method?: 'POST' | 'GET' | 'PUT';
  readonly key?: string;
  readonly contact?: string;
  readonly workspace?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of a text message to `contact`. */
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** One call over a real socket. Rejects if no complete answer comes. */
export async function send(sandbox: Sandbox, sent: Sent = {}): Promise<Received> {
  const { path = TEXT_PATH, method = 'POST', key, contact = 'c-1', workspace = 'w-1', signal } = sent;
  const body =
    sent.body ?? JSON.stringify({ contact: { id: contact }, workspace: { id: workspace }, textMessage: 'Hello' });
  const answer = await request(sandbox.url + path, {
    method,
    headers: {
      'x-api-key': 'sandbox-key',
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...sent.headers,
    },
    ...(method === 'GET' ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}
