// Usage: probe.cjs <port> <path>. Health check of the images, which have no curl. Exits with 0 if
// http://127.0.0.1:<port><path> answers 200 within 2 s, else with 1.
const { get } = require('node:http');

const [port, path] = process.argv.slice(2);
get({ host: '127.0.0.1', port, path, timeout: 2_000 }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
