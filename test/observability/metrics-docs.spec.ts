import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '../../src/observability/metric-definitions';
import { Metrics } from '../../src/observability/metrics';
import { renderMetricsDocs } from '../../src/observability/metrics-docs';

describe('docs/metrics.md', () => {
  it('is up to date (else run `npm run docs`)', async () => {
    const path = join(__dirname, '../../docs/metrics.md');
    expect(readFileSync(path, 'utf8')).toBe(await renderMetricsDocs(new Metrics()));
  });

  it("has one row of four cells for each of the service's own metrics", async () => {
    const rows = (await renderMetricsDocs(new Metrics())).split('\n').filter((line) => line.startsWith('| `'));
    expect(rows).toHaveLength(Object.keys(METRICS).length);
    for (const row of rows) expect(row.match(/\|/g)).toHaveLength(5);
  });
});
