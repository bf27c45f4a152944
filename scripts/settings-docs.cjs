// Writes .env.example and docs/settings.md from src/config/environment.ts, and docs/metrics.md from
// src/observability/metric-definitions.ts. `npm run docs` builds first, then runs this.
const { existsSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const built = join(root, 'dist/config/settings-docs.js');
if (!existsSync(built)) {
  console.error('dist/config/settings-docs.js is missing: run "npm run build" first.');
  process.exit(1);
}
const { renderEnvExample, renderSettingsDocs } = require(built);
const { Metrics } = require(join(root, 'dist/observability/metrics.js'));
const { renderMetricsDocs } = require(join(root, 'dist/observability/metrics-docs.js'));

function write(file, text) {
  writeFileSync(join(root, file), text);
  console.log(`${file} written.`);
}

write('.env.example', renderEnvExample());
write('docs/settings.md', renderSettingsDocs());
renderMetricsDocs(new Metrics()).then((text) => write('docs/metrics.md', text));
