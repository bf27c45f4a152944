import type { Import } from './imports';

/**
 * What a folder of `src` may use of another one. It must not use anything that is not listed.
 *
 * A subfolder with a rule of its own is a folder of its own; any other belongs to the folder above it. A rule between
 * two folders also holds for their subfolders. A rule within one folder holds only for the two subfolders that it
 * names.
 */
export interface FolderRule {
  readonly from: string;
  readonly to: string;
  /** Everything, only types, or types and these files. */
  readonly what: 'all' | 'types' | readonly string[];
  readonly because: string;
}

/** The only folders that may load a package. No other folder may load any part of it. */
export interface PackageRule {
  readonly name: string;
  /** Folders of `src`. */
  readonly only: readonly string[];
  /** Whether modules may name its types, because they only hand things over. */
  readonly typesInModules: boolean;
  readonly because: string;
}

/**
 * `contract` and `offsets` have no row: they use no other folder. `main.ts` and `app.module.ts` have no row either: no
 * folder uses them.
 */
export const FOLDER_RULES: readonly FolderRule[] = [
  { from: 'config', to: 'contract', what: 'all', because: 'settings name channels and deliveries' },
  { from: 'service', to: 'contract', what: 'types', because: 'it passes records and outcomes on' },
  { from: 'service', to: 'kafka', what: 'all', because: 'it connects reading with the steps after it' },
  { from: 'service', to: 'dispatch', what: 'all', because: 'it connects the flow with what it needs' },
  {
    from: 'service',
    to: 'messages-api',
    what: ['messages-api/messages.controller.ts', 'messages-api/api-keys.ts'],
    because: "it looks Nest's handler up by its pattern and starts the watch of keys; it makes no call itself",
  },
  { from: 'service', to: 'settlement', what: 'all', because: 'it hands over ended commands, and opens the store' },
  { from: 'service', to: 'health', what: 'types', because: 'it answers the probes' },
  {
    from: 'service',
    to: 'observability',
    what: ['observability/tokens.ts'],
    because: 'it gets the telemetry and gives it its gauges',
  },
  { from: 'kafka/group', to: 'kafka/partitions', what: 'all', because: 'a member of a group has partitions' },
  { from: 'kafka/group', to: 'kafka/batches', what: 'all', because: 'what a fetch brings is read there' },
  {
    from: 'kafka/group',
    to: 'kafka/kafkajs-patches',
    what: 'all',
    because: 'what a fetch brings is taken from kafkajs undecoded',
  },
  { from: 'kafka/partitions', to: 'kafka/batches', what: 'all', because: 'it takes records piece by piece' },
  { from: 'kafka/operator', to: 'kafka/batches', what: 'all', because: 'dead letters are read as commands are' },
  { from: 'kafka/client', to: 'kafka/batches', what: 'all', because: 'kafkajs is to unpack with a limit too' },
  { from: 'kafka/kafkajs-patches', to: 'kafka/batches', what: 'types', because: 'it hands over what was fetched' },
  { from: 'kafka/group', to: 'kafka/client', what: 'all', because: 'it describes errors' },
  { from: 'kafka/partitions', to: 'kafka/group', what: 'types', because: 'a partition is one that a consumer reads' },
  { from: 'kafka/partitions', to: 'kafka/client', what: 'all', because: 'it describes errors' },
  { from: 'kafka/publish', to: 'kafka/client', what: 'all', because: 'it describes errors' },
  {
    from: 'kafka/publish',
    to: 'kafka/kafkajs-patches',
    what: 'all',
    because: 'it reaches whole answers and leaders through them',
  },
  { from: 'kafka/start', to: 'kafka/group', what: 'all', because: 'it checks what consumers will read' },
  { from: 'kafka/start', to: 'kafka/client', what: 'all', because: 'it connects as the service does' },
  { from: 'kafka/start', to: 'kafka/kafkajs-patches', what: 'all', because: 'it asks below the consumers' },
  { from: 'kafka/operator', to: 'kafka/client', what: 'all', because: 'it describes errors' },
  { from: 'kafka/operator', to: 'kafka/partitions', what: 'all', because: 'marks of a redrive are commits' },
  { from: 'kafka/operator', to: 'kafka/publish', what: 'all', because: 'a redrive writes as the service does' },
  { from: 'kafka/operator', to: 'kafka/kafkajs-patches', what: 'all', because: 'it reads below the consumers' },
  { from: 'kafka/client', to: 'kafka/kafkajs-patches', what: 'all', because: 'kafkajs is patched before it is used' },
  { from: 'kafka', to: 'contract', what: 'all', because: 'topics and records' },
  { from: 'kafka', to: 'config', what: 'types', because: 'it is given its settings' },
  { from: 'kafka', to: 'offsets', what: 'all', because: 'it commits what the ledgers permit' },
  { from: 'kafka', to: 'health', what: 'types', because: 'it tells how its consumers are' },
  {
    from: 'kafka',
    to: 'dispatch',
    what: ['dispatch/clock.ts'],
    because: 'it gives commands to dispatch, and waits by the same clock',
  },
  { from: 'kafka', to: 'settlement', what: 'types', because: 'it publishes what settlement asks for' },
  { from: 'kafka', to: 'dead-letters', what: 'types', because: 'it reads and redrives for the command line' },
  { from: 'kafka', to: 'observability', what: 'types', because: 'it reports' },
  { from: 'dispatch', to: 'dispatch/schedule', what: 'all', because: 'it asks which command is next' },
  {
    from: 'dispatch/schedule',
    to: 'dispatch',
    what: 'types',
    because: 'jobs wait in it, by the clock of dispatch',
  },
  {
    from: 'dispatch/schedule',
    to: 'dispatch/api-health',
    what: 'types',
    because: 'it asks what may be sent of a workspace',
  },
  { from: 'dispatch', to: 'dispatch/api-health', what: 'all', because: 'it asks whether anything may be sent' },
  { from: 'dispatch/api-health', to: 'dispatch', what: 'types', because: 'it hears of calls of jobs' },
  { from: 'dispatch', to: 'contract', what: 'all', because: 'commands, outcomes and the decoding of records' },
  { from: 'dispatch', to: 'config', what: 'types', because: 'it is given its settings' },
  {
    from: 'dispatch',
    to: 'messages-api',
    what: ['messages-api/backoff.ts'],
    because: 'it judges how calls ended, and waits between them; the HTTP client stays behind a function',
  },
  { from: 'dispatch', to: 'settlement', what: 'types', because: 'it hands over ended commands' },
  { from: 'dispatch', to: 'observability', what: 'types', because: 'it reports' },
  { from: 'dead-letters', to: 'contract', what: 'all', because: 'dead letters, their headers and topics' },
  {
    from: 'dead-letters',
    to: 'config',
    what: ['config/rate-limit.ts'],
    because: 'the rate of a redrive is written like the rates of the settings',
  },
  {
    from: 'dead-letters',
    to: 'offsets',
    what: ['offsets/commit-metadata.ts'],
    because: 'redriven letters are marked in the same way as done offsets',
  },
  { from: 'dead-letters', to: 'settlement', what: 'types', because: 'a redriven command is a publication' },
  { from: 'messages-api', to: 'contract', what: 'all', because: 'commands and the MessageResponse' },
  {
    from: 'messages-api',
    to: 'config',
    what: ['config/workspace-keys.ts'],
    because: 'files of keys are read again by the same rules as at the start',
  },
  { from: 'messages-api', to: 'observability', what: 'types', because: 'it logs that keys were read again' },
  { from: 'settlement', to: 'config', what: 'types', because: 'it is given the delays of the retry topics' },
  { from: 'settlement', to: 'contract', what: 'all', because: 'results, dead letters and their headers' },
  { from: 'settlement', to: 'observability', what: 'types', because: 'it reports' },
  { from: 'observability', to: 'contract', what: 'all', because: 'labels are channels, lanes, types and outcomes' },
  { from: 'observability', to: 'config', what: 'types', because: 'it is given its settings' },
  {
    from: 'observability',
    to: 'dispatch',
    what: 'types',
    because: 'retries are counted by the reason that dispatch gives',
  },
];

/**
 * Modules connect: they hand over what they load. They may name any folder, except the files that start the process.
 */
const MODULE = /\.module\.ts$/;

export const PACKAGE_RULES: readonly PackageRule[] = [
  {
    name: 'kafkajs',
    only: ['kafka'],
    typesInModules: false,
    because: 'it is unmaintained, so nothing else may depend on it',
  },
  {
    name: 'class-validator',
    only: ['contract'],
    typesInModules: false,
    because: 'one file there loads the parts that are used; the index loads libphonenumber and all of validator',
  },
  {
    name: 'commander',
    only: ['dead-letters', ''],
    typesInModules: false,
    because: 'the service has no command line',
  },
  { name: 'cli-progress', only: ['dead-letters'], typesInModules: false, because: 'the service has no terminal' },
  { name: 'undici', only: ['messages-api'], typesInModules: false, because: 'one place calls the API' },
  {
    name: 'ioredis',
    only: ['settlement'],
    typesInModules: false,
    because: 'one place decides what happens while Redis is away',
  },
  {
    name: 'lru-cache',
    only: ['settlement'],
    typesInModules: false,
    because: 'only ended commands may be forgotten',
  },
  {
    name: 'prom-client',
    only: ['observability'],
    typesInModules: false,
    because: 'the flow reports to an interface, and can be tested without a registry',
  },
  {
    name: 'pino',
    only: ['observability'],
    typesInModules: true,
    because: 'one place decides what may be logged',
  },
];

/** The files that start the process: `main.ts` and the other files that are directly in `src`. */
const START = '';

const FOLDERS: ReadonlySet<string> = new Set(FOLDER_RULES.flatMap(({ from, to }) => [from, to]));

/** One line for each import that breaks a rule. */
export function violations(imports: readonly Import[], folderRules = FOLDER_RULES): string[] {
  return imports.flatMap((entry) => {
    const fault = entry.to.endsWith('.ts') ? folderFault(entry, folderRules) : packageFault(entry);
    return fault === null ? [] : [`${entry.from} imports ${entry.to}: ${fault}`];
  });
}

/** Which folder loads which: the imports that remain after compilation, without those of modules. */
export function folderImports(imports: readonly Import[]): Import[] {
  return imports.flatMap(({ from, to, isTypeOnly }) => {
    if (isTypeOnly || !to.endsWith('.ts') || MODULE.test(from)) return [];
    const [importer, imported] = [folderOf(from), folderOf(to)];
    return importer === imported ? [] : [{ from: importer, to: imported, isTypeOnly }];
  });
}

/** Whether a rule is about a folder and a folder above it. Such a rule may permit only types. */
export function leadsUpwards({ from, to }: FolderRule): boolean {
  return from.startsWith(`${to}/`);
}

function folderFault({ from, to, isTypeOnly }: Import, rules: readonly FolderRule[]): string | null {
  const [importer, imported] = [folderOf(from), folderOf(to)];
  if (importer === imported || importer === START) return null;
  if (imported === START) return 'nothing may use the files that start the process';
  if (MODULE.test(from)) return null;
  const rule = rules.find((row) => speaksOf(row, importer, imported));
  if (rule === undefined) return `${importer} may not use ${imported}`;
  if (rule.what === 'all' || isTypeOnly || rule.what.includes(to)) return null;
  return `${importer} may use only types of ${imported} (${rule.because})`;
}

function packageFault({ from, to, isTypeOnly }: Import): string | null {
  const rule = PACKAGE_RULES.find(({ name }) => to === name || to.startsWith(`${name}/`));
  if (rule === undefined || rule.only.includes(topOf(folderOf(from)))) return null;
  if (rule.typesInModules && isTypeOnly && MODULE.test(from)) return null;
  return `only ${rule.only.join(', ')} may (${rule.because})`;
}

function speaksOf(rule: FolderRule, importer: string, imported: string): boolean {
  if (topOf(importer) === topOf(imported)) return rule.from === importer && rule.to === imported;
  return isWithin(importer, rule.from) && isWithin(imported, rule.to);
}

function folderOf(file: string): string {
  const slash = file.lastIndexOf('/');
  if (slash < 0) return START;
  const folder = file.slice(0, slash);
  return FOLDERS.has(folder) || !folder.includes('/') ? folder : folderOf(folder);
}

function topOf(folder: string): string {
  return folder.split('/', 1)[0] ?? folder;
}

function isWithin(folder: string, above: string): boolean {
  return folder === above || folder.startsWith(`${above}/`);
}
