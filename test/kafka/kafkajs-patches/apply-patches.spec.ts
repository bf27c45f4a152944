import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** For each patch: an expression for the function that it replaces, and the file that has kafkajs's own function. */
const REPLACED = {
  'fetched-batches': ["load('consumer/batch').prototype.isEmpty", 'consumer/batch.js'],
  'fetched-batches of all versions': [
    "load('protocol/requests/fetch/v11/response').decode",
    'protocol/requests/fetch/v11/response.js',
  ],
  'protocol-decoding': ["load('protocol/decoder').prototype.readVarIntArray", 'protocol/decoder.js'],
  'protocol-encoding': ["load('protocol/encoder').prototype.writeUVarInt", 'protocol/encoder.js'],
  'record-encoding': ["load('protocol/recordBatch/record/v0')", 'protocol/recordBatch/record/v0/index.js'],
  checksum: ["load('protocol/recordBatch/crc32C')", 'protocol/recordBatch/crc32C/index.js'],
  'produce-answers': [
    "load('protocol/requests/produce/v7/response').parse",
    'protocol/requests/produce/v3/response.js',
  ],
  'request-timeouts': [
    "load('network/requestQueue').prototype.scheduleRequestTimeoutCheck",
    'network/requestQueue/index.js',
  ],
  'waiting-requests': [
    "load('network/requestQueue').prototype.scheduleCheckPendingRequests",
    'network/requestQueue/index.js',
  ],
  'joining-connections': [
    "load('network/connectionPool').prototype.getConnectionByRequest",
    'network/connectionPool.js',
  ],
} as const;

const USED = Object.entries(REPLACED)
  .map(([name, [used, file]]) => `['${name}', own(${used}, '${file}')]`)
  .join();

/**
 * Names the patches that are not in place. It runs in a process of its own, since Jest loads modules in another way.
 */
function unpatched(apply: string): string[] {
  const script = `
    const { readFileSync } = require('node:fs');
    const { transformFileSync } = require('@swc/core');
    require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file).code, file);
    const load = (path) => require('kafkajs/src/' + path);
    require('kafkajs');
    ${apply};
    const own = (used, file) => readFileSync(require.resolve('kafkajs/src/' + file), 'utf8').includes(String(used));
    const found = [${USED}];
    console.log(JSON.stringify(found.filter(([, isOwn]) => isOwn).map(([name]) => name)));`;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8' })) as string[];
}

const APPLY = "require(process.cwd() + '/src/kafka/kafkajs-patches/apply-patches').applyPatches()";

describe('the patches of kafkajs', () => {
  it('are all in place, also in modules that kafkajs loads later', () => {
    expect(unpatched(APPLY)).toEqual([]);
  });

  it('are found missing if they are not applied', () => {
    expect(unpatched('')).toEqual(Object.keys(REPLACED));
  });

  it('are applied once, even if they are applied again', () => {
    const again = `${APPLY}; const first = load('protocol/decoder').prototype.readVarLong; ${APPLY};
      if (load('protocol/decoder').prototype.readVarLong !== first) throw new Error('patched twice')`;
    expect(unpatched(again)).toEqual([]);
  });
});
