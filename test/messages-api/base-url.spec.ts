import { parseBaseUrl } from '../../src/messages-api/base-url';

describe('parseBaseUrl', () => {
  it.each([
    ['http://api.test', 'http://api.test', ''],
    ['https://api.test/', 'https://api.test', ''],
    ['https://api.test:8443/base', 'https://api.test:8443', '/base'],
    ['https://api.test/base/v2//', 'https://api.test', '/base/v2'],
    ['http://[::1]:80/', 'http://[::1]', ''],
  ])('parses %s', (url, origin, pathPrefix) => {
    expect(parseBaseUrl(url)).toEqual({ origin, pathPrefix });
  });

  it.each([
    ['/v1', 'absolute'],
    ['', 'absolute'],
    ['ftp://secret.test', 'http or https'],
    ['file:///secret', 'http or https'],
    ['https://user:secret@api.test', 'credentials'],
    ['https://secret@api.test', 'credentials'],
    ['https://api.test/?key=secret', 'query'],
    ['https://api.test/?', 'query'],
    ['https://api.test/#secret', 'fragment'],
  ])('refuses %s without repeating it', (url, why) => {
    const parse = (): unknown => parseBaseUrl(url);
    expect(parse).toThrow(TypeError);
    expect(parse).toThrow(why);
    expect(parse).not.toThrow('secret');
  });
});
