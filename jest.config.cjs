const { availableParallelism } = require('node:os');
const { TEST_DEADLINE_MS } = require('./test/deadline.ts');

/** Beginnings of the paths of specs that start processes: brokers, Redis, the service, scripts. Others start nothing. */
const STARTING = [
  '/test/integration/',
  '/test/tools/kafka/',
  '/test/tools/redis/',
  '/test/settlement/redis-',
  '/test/deploy/',
  '/test/sandbox/main',
];

/** @swc/jest reads .swcrc; CommonJS output keeps jest.mock() hoisted. */
const project = (displayName, mayStartProcesses) => ({
  displayName,
  testEnvironment: '<rootDir>/test/environment.ts',
  testEnvironmentOptions: { mayStartProcesses },
  transform: { '^.+\\.ts$': '@swc/jest' },
  clearMocks: true,
  roots: ['<rootDir>/test'],
});

const cores = availableParallelism();

/** @type {import('jest').Config} */
module.exports = {
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/main.ts', '!src/**/*.module.ts'],
  // Specs mostly wait for processes, so a core runs more than one spec.
  maxWorkers: Math.min(2 * cores, cores + 4),
  testTimeout: TEST_DEADLINE_MS,
  testSequencer: '<rootDir>/test/sequencer.cjs',
  projects: [
    {
      ...project('unit', false),
      testRegex: '\\.spec\\.ts$',
      testPathIgnorePatterns: STARTING,
    },
    {
      ...project('integration', true),
      testRegex: STARTING.map((path) => `${path}.*\\.spec\\.ts$`),
      globalSetup: '<rootDir>/test/integration/global-setup.ts',
      globalTeardown: '<rootDir>/test/integration/global-teardown.ts',
    },
  ],
};
