import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(__dirname, '..');
const IGNORED = new Set(['node_modules', 'dist', 'reports', 'coverage', '.git']);
const COLUMNS = 120;

const filesOf = (pattern: string): readonly string[] =>
  globSync(pattern, { cwd: root, exclude: (path) => IGNORED.has(basename(path)) });
const files = filesOf('**/*').filter((path) => statSync(join(root, path)).isFile());
const documents = files.filter((path) => path.endsWith('.md'));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A text without its code blocks, in which brackets and hashes mean something else. */
const proseOf = (path: string): string => textOf(path).replaceAll(/^```.*?^```/gms, '');

/** Links to places in the repository, as they are written: `../README.md#limits`. */
function linksOf(path: string): readonly string[] {
  const targets = [...proseOf(path).matchAll(/\]\((?<target>[^)\s]+)\)/g)].flatMap(
    (link) => link.groups?.['target'] ?? [],
  );
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Anchors of headings, as GitHub makes them. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = [...proseOf(path).matchAll(/^#+ (?<text>.+)$/gm)].flatMap((line) => line.groups?.['text'] ?? []);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The link if its file or heading does not exist; else null. */
function faultOf(document: string, target: string): string | null {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? document : join(dirname(document), path);
  if (!existsSync(join(root, file))) return `${document}: ${target}`;
  if (anchor === undefined || !file.endsWith('.md')) return null;
  return anchorsOf(file).has(anchor) ? null : `${document}: ${target}`;
}

/** Names of files and folders in code spans: paths from a folder of the repository, and names of source files. */
function namedFiles(path: string): readonly string[] {
  const spans = [...proseOf(path).matchAll(/`(?<span>[^`]+)`/g)].flatMap((span) => span.groups?.['span'] ?? []);
  return spans.filter(
    (span) =>
      /^(?:src|docs|test|tools|sandbox|scripts|deploy|\.ci|\.github)\/[\w./-]*$/.test(span) ||
      /^[\w./-]+\.(?:ts|cjs|mjs|md)$/.test(span),
  );
}

function isThere(name: string): boolean {
  return existsSync(join(root, name)) || files.some((file) => file.endsWith(`/${name}`));
}

describe('the documents', () => {
  it('are found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/contract.md', 'docs/adr/003-ledger.md']));
  });

  it.each(documents)('%s links to places that exist', (document) => {
    expect(linksOf(document).flatMap((target) => faultOf(document, target) ?? [])).toEqual([]);
  });

  it.each(documents)('%s names files that exist', (document) => {
    expect(namedFiles(document).filter((name) => !isThere(name))).toEqual([]);
  });

  it.each(documents)('%s has no line of more than 120 columns, except rows of tables', (document) => {
    const lines = textOf(document).split('\n');
    expect(lines.filter((line) => line.length > COLUMNS && !line.startsWith('|'))).toEqual([]);
  });

  it('exist if a comment in the code names them', () => {
    const sources = files.filter((path) => /\.(?:ts|cjs|mjs|ya?ml)$/.test(path));
    const named = sources.flatMap((path) =>
      [...textOf(path).matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([name]) => ({ path, name })),
    );
    expect(named).not.toHaveLength(0);
    expect(named.filter(({ name }) => !existsSync(join(root, name)))).toEqual([]);
  });

  it('begin each decision with its number, status and date', () => {
    const decisions = documents.filter((path) => path.startsWith('docs/adr/'));
    expect(decisions).not.toHaveLength(0);
    for (const path of decisions) {
      const number = basename(path).slice(0, 3);
      const head = new RegExp(
        `^# ${number} .+\\n- Status: (accepted|superseded)\\b.*\\n- Date: \\d{4}-\\d\\d-\\d\\d\\b`,
      );
      expect({ path, head: textOf(path).slice(0, 400) }).toEqual({ path, head: expect.stringMatching(head) });
    }
  });

  it('have a README of at most 130 lines that says how to start and how to test', () => {
    const readme = textOf('README.md');
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(130);
    expect(readme).toContain('npm run demo');
    expect(readme).toContain('npm test');
  });
});

describe('the version', () => {
  const { version } = JSON.parse(textOf('package.json')) as { version: string };

  it.each([
    ['package-lock.json', `"version": "${version}"`],
    ['Dockerfile', `org.opencontainers.image.version="${version}"`],
    ['README.md', `messages-dispatcher:${version}`],
    ['deploy/kubernetes/deployment.yaml', `image: messages-dispatcher:${version}`],
    ['deploy/kubernetes/kustomization.yaml', `newTag: ${version}`],
  ])('is the same in %s', (path, text) => {
    expect(textOf(path)).toContain(text);
  });

  it('is the newest dated one of the changelog', () => {
    expect(/^## \[(?<version>\d[^\]]*)\] - \d{4}-\d\d-\d\d$/m.exec(textOf('CHANGELOG.md'))?.groups?.['version']).toBe(
      version,
    );
  });
});
