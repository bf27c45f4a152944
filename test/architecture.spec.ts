import { findCycles, readImports } from './imports';
import { folderImports, FOLDER_RULES, leadsUpwards, PACKAGE_RULES, violations } from './import-rules';

const imports = readImports('src');

describe('the direction of imports in src', () => {
  it('is read from the whole tree', () => {
    expect(imports).toContainEqual({ from: 'main.ts', to: 'app.module.ts', isTypeOnly: false });
    expect(imports).toContainEqual({ from: 'dispatch/job.ts', to: 'contract/record.ts', isTypeOnly: true });
    expect(imports).toContainEqual({ from: 'kafka/client/kafka-client.ts', to: 'kafkajs', isTypeOnly: false });
  });

  it('breaks no rule', () => {
    expect(violations(imports)).toEqual([]);
  });

  it('uses every permission of the rules', () => {
    const unused = FOLDER_RULES.filter(
      (rule) =>
        violations(
          imports,
          FOLDER_RULES.filter((other) => other !== rule),
        ).length === 0,
    );
    expect(unused).toEqual([]);
  });

  it('has no files that load each other in a circle', () => {
    expect(findCycles(imports.filter(({ isTypeOnly }) => !isTypeOnly))).toEqual([]);
  });

  it('has no folders that load each other in a circle', () => {
    expect(findCycles(folderImports(imports))).toEqual([]);
  });
});

describe('the rules', () => {
  it('name each pair of folders once, with a reason', () => {
    const rules = [...FOLDER_RULES.map(({ from, to }) => `${from} → ${to}`), ...PACKAGE_RULES.map(({ name }) => name)];
    expect(new Set(rules).size).toBe(rules.length);
    for (const { because } of [...FOLDER_RULES, ...PACKAGE_RULES]) expect(because).not.toBe('');
  });

  it('permit only types from a folder above: a folder uses the folders below it', () => {
    expect(FOLDER_RULES.filter((rule) => leadsUpwards(rule) && rule.what !== 'types')).toEqual([]);
  });

  it.each([
    ['a folder that may not know another', 'contract/decode.ts', 'config/config.ts', true],
    ['a folder that may know only types', 'dispatch/dispatcher.ts', 'config/environment.ts', false],
    ['a client outside its folder', 'settlement/settlement.ts', 'kafkajs', true],
    ['a part of a client', 'dispatch/dispatcher.ts', 'undici/lib/core/errors', false],
    ['the start of the process', 'health/health.module.ts', 'main.ts', false],
  ])('catch %s', (_, from, to, isTypeOnly) => {
    expect(violations([{ from, to, isTypeOnly }])).toHaveLength(1);
  });

  it('find a circle', () => {
    const edge = (from: string, to: string) => ({ from, to, isTypeOnly: false });
    expect(findCycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'b'), edge('d', 'a')])).toEqual([['b', 'c']]);
  });
});
