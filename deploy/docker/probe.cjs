// Health check of the images, which have no curl: exits 0 where http://127.0.0.1:<port><path> answers 200 within 2 s.
const { get } = require('node:http');

const [port, path] = process.argv.slice(2);
get({ host: '127.0.0.1', port, path, timeout: 2_000 }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
