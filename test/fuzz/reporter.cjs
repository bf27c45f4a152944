const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const path = require('node:path');
const { textTable } = require('../../tools/lib/text-table.ts');

const ROWS = path.join(__dirname, '..', '..', 'reports', 'fuzz');

/** Prints the table of a long fuzz run from the rows that its suites leave. */
module.exports = class FuzzReporter {
  onRunStart() {
    rmSync(ROWS, { recursive: true, force: true });
  }

  onRunComplete() {
    const names = existsSync(ROWS) ? readdirSync(ROWS).sort() : [];
    const rows = names.map((name) => JSON.parse(readFileSync(path.join(ROWS, name), 'utf8')));
    const lines = rows.map(({ suite, seed, cases, seconds, worstMs, kinds }) => [
      suite,
      String(seed),
      cases.toLocaleString('en'),
      seconds.toFixed(1),
      worstMs.toFixed(1),
      Object.entries(kinds)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', '),
    ]);
    process.stdout.write(`\n${textTable(['suite', 'seed', 'cases', 'seconds', 'worst case ms', 'ended as'], lines)}\n`);
  }
};
