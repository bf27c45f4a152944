/** The parts of the API's base URL. It is parsed once, so that no call has to. */
export interface BaseUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Put before the path of every operation. Without trailing slash; empty if there is none. */
  readonly pathPrefix: string;
}

/**
 * Checks and parses the base URL of the API. A path in it, with or without trailing slash, becomes the prefix.
 *
 * @throws TypeError if it is no http(s) URL, or has credentials, a query or a fragment. The message never repeats the
 *   URL, since it may contain a secret.
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
