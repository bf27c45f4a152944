import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');
const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');

/** The rows of "The stops of one command": a name, and the file that it should be in. */
const stops = [...section('The stops of one command').matchAll(/^\|[^|]*\| `([\w.]+)` \| `([\w./-]+)` \|$/gm)].map(
  ([, name = '', file = '']) => ({ name, file }),
);

function section(title: string): string {
  const from = text.indexOf(`## ${title}\n`);
  const to = text.indexOf('\n## ', from);
  return text.slice(from, to);
}

/** The exports of a file, and the members of its classes and interfaces as `Class.member`. */
function namesIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name !== undefined) names.add(statement.name.text);
    if (!ts.isClassDeclaration(statement) && !ts.isInterfaceDeclaration(statement)) continue;
    const owner = statement.name?.text ?? '';
    for (const { name } of statement.members) {
      if (name !== undefined && ts.isIdentifier(name)) names.add(`${owner}.${name.text}`);
    }
  }
  return names;
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.ESNext, true);
}

describe('ARCHITECTURE.md', () => {
  it('names every stop of a command', () => {
    expect(stops.length).toBeGreaterThan(25);
  });

  it.each(stops)('finds $name in $file', ({ name, file }) => {
    expect(namesIn(parse(file))).toContain(name);
  });

  it('names files and folders that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|docs)\/[\w./-]*)`|\]\(([\w./-]+)\)/g)].map(
      ([, code, link]) => code ?? link ?? '',
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('shows only folders and files of src in its picture', () => {
    const [, picture = ''] = /```mermaid\n([\s\S]*?)```/.exec(text) ?? [];
    const rooms = [...picture.matchAll(/\["([\w.-]+)(?::|,|<| )/g)].map(([, room = '']) => room);
    const known = (room: string): boolean =>
      ['', 'kafka', 'dispatch'].some((above) => existsSync(join(ROOT, 'src', above, room)));
    expect(rooms.length).toBeGreaterThan(12);
    expect(rooms.filter((room) => !known(room))).toEqual([]);
  });
});

describe('the flow of a command', () => {
  it('is written with names that exist', () => {
    const flow = readFileSync(join(ROOT, 'src/service/command-flow.ts'), 'utf8');
    const told = [...flow.matchAll(/`([A-Z]\w+\.\w+)/g)].map(([, name = '']) => name);
    const known = new Set(stops.flatMap(({ file }) => [...namesIn(parse(file))]));
    expect(told.length).toBeGreaterThan(7);
    expect(told.filter((name) => !known.has(name))).toEqual([]);
  });
});
