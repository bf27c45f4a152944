/** The base URL of the API, taken apart once so that no call has to parse it. */
export interface BaseUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Put before the path of every operation; without trailing slash, empty for none. */
  readonly pathPrefix: string;
}

/**
 * Checks and takes apart the base URL of the API. A path in it is kept as a prefix, with or without trailing slash.
 *
 * @throws TypeError where it is no http(s) URL, or carries credentials, a query or a fragment. The message never
 *   repeats the URL, since it may hold a secret.
 */
export function parseBaseUrl(text: string): BaseUrl {
  const url = URL.parse(text);
  if (url === null) throw new TypeError('the base URL must be an absolute URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError('the base URL must be http or https');
  if (url.username !== '' || url.password !== '') throw new TypeError('the base URL must not hold credentials');
  // `url.search` and `url.hash` are also empty for a bare ? or #.
  if (/[?#]/.test(url.href)) throw new TypeError('the base URL must not have a query or a fragment');
  return { origin: url.origin, pathPrefix: url.pathname.replace(/\/+$/, '') };
}
