import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureJars, jarsFolder } from '../../../tools/kafka/kafka-jars';
import { until } from '../../deadline';
import { fakeCommand } from './fake-command';
import { withEnvironment } from './with-environment';

const WRITES_TWO_JARS_SLOWLY = `
for argument; do case $argument in -DoutputDirectory=*) jars=\${argument#*=};; esac; done
mkdir -p "$jars"; : >"$jars/a.jar"; sleep 0.2; : >"$jars/b.jar"; echo run >>"$(dirname "$0")/runs"`;

describe('ensureJars', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'jars-'));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  function ensure(signal = new AbortController().signal): Promise<string> {
    const path = `${root}:${process.env['PATH']}`;
    return withEnvironment({ PATH: path }, () => ensureJars({ root, log: () => {}, signal }));
  }

  const cached = (): Promise<string[]> => readdir(dirname(jarsFolder(root)));

  it('gives several callers at once the same complete folder, and leaves nothing else', async () => {
    await fakeCommand(root, 'mvn', WRITES_TWO_JARS_SLOWLY);
    const folders = await Promise.all([ensure(), ensure(), ensure()]);
    expect(new Set(folders)).toEqual(new Set([jarsFolder(root)]));
    expect(await readdir(jarsFolder(root))).toEqual(['a.jar', 'b.jar']);
    expect(await cached()).toHaveLength(1);
  });

  it('does not ask Maven again for jars that are there', async () => {
    await fakeCommand(root, 'mvn', WRITES_TWO_JARS_SLOWLY);
    await ensure();
    await fakeCommand(root, 'mvn', 'exit 1');
    expect(await ensure()).toBe(jarsFolder(root));
  });

  it('repeats the output of Maven if it fails, and keeps no incomplete folder', async () => {
    await fakeCommand(root, 'mvn', 'echo "[ERROR] no such repository"; exit 1');
    await expect(ensure()).rejects.toThrow(/Maven could not fetch Kafka 4\.3\.0: \[ERROR\] no such repository/);
    expect(await cached()).toEqual([]);
  });

  it('ends Maven on an abort', async () => {
    await fakeCommand(root, 'mvn', 'echo begun >"$(dirname "$0")/begun"; exec sleep 600');
    const reason = new Error('enough');
    const controller = new AbortController();
    const ensuring = ensure(controller.signal);
    void until(() => existsSync(join(root, 'begun')), 'Maven runs').then(() => controller.abort(reason));
    await expect(ensuring).rejects.toBe(reason);
    expect(await cached()).toEqual([]);
  });
});
