// Writes .env.example and the README's table of settings from src/config/environment.ts, and docs/metrics.md from the
// metrics' definitions. Run after `npm run build`.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const built = join(root, 'dist/config/settings-docs.js');
if (!existsSync(built)) {
  console.error('dist/config/settings-docs.js is missing: run "npm run build" first.');
  process.exit(1);
}
const { renderEnvExample, withSettingsTable } = require(built);

writeFileSync(join(root, '.env.example'), renderEnvExample());
console.log('.env.example written.');

const readmePath = join(root, 'README.md');
const updated = existsSync(readmePath) ? withSettingsTable(readFileSync(readmePath, 'utf8')) : null;
if (updated === null) {
  console.log('README.md left alone: it has no <!-- settings --> and <!-- /settings --> markers.');
} else {
  writeFileSync(readmePath, updated);
  console.log('Table of settings in README.md written.');
}

const { Metrics } = require(join(root, 'dist/observability/metrics.js'));
const { renderMetricsDocs } = require(join(root, 'dist/observability/metrics-docs.js'));
renderMetricsDocs(new Metrics()).then((text) => {
  writeFileSync(join(root, 'docs/metrics.md'), text);
  console.log('docs/metrics.md written.');
});
