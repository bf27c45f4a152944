// Usage: node scripts/bootstrap.cjs <script> [args]. Installs missing dependencies, then runs the project's Node with
// these arguments. It needs only Node 20 and npm, so that the commands of package.json work on a fresh clone.
const { spawn } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');
const { constants } = require('node:os');
const { join } = require('node:path');

const root = join(__dirname, '..');
const node = join(root, 'node_modules', '.bin', 'node');

/** npm writes this file when an installation is complete. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed) || !existsSync(node)) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/**
 * Runs a command in this terminal; resolves to its exit code. Passes signals on to the command, which decides when it
 * ends.
 */
function run(command, args, cwd) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: 'inherit' });
    const pass = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    child.once('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, pass);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

async function main() {
  if (!isInstalled()) {
    console.error('installing dependencies (npm ci)');
    const npm = process.env.npm_execpath;
    const install = ['ci', '--no-audit', '--no-fund'];
    const code = npm ? await run(process.execPath, [npm, ...install], root) : await run('npm', install, root);
    if (code !== 0) return code;
  }
  const check = join(__dirname, 'check-node.cjs');
  return run(node, ['--require', check, ...process.argv.slice(2)], process.cwd());
}

main().then((code) => process.exit(code));
