import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');

/** One import of one file. */
export interface Import {
  /** The importing file, relative to the folder that was read. */
  readonly from: string;
  /** The imported file, relative to the same folder; or the specifier as it is written: `kafkajs`, `node:net`. */
  readonly to: string;
  /** Whether the compiler removes it. */
  readonly isTypeOnly: boolean;
}

/** Every import, re-export, `require` and `import()` of the TypeScript files below a folder of the project. */
export function readImports(folder: string): Import[] {
  const files = globSync('**/*.ts', { cwd: join(ROOT, folder) }).map((file) => file.replaceAll('\\', '/'));
  const known = new Set(files);
  return files.toSorted().flatMap((from) => {
    const text = readFileSync(join(ROOT, folder, from), 'utf8');
    const source = ts.createSourceFile(from, text, ts.ScriptTarget.ESNext, true);
    return importsIn(source).map(({ specifier, isTypeOnly }) => ({
      from,
      to: resolve(from, specifier, known),
      isTypeOnly,
    }));
  });
}

/** Groups of files that import each other, directly or not. Each group is in alphabetical order. */
export function findCycles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const reach = new Map([...targets.keys()].map((file) => [file, reachable(file, targets)]));
  const reaches = (from: string, to: string): boolean => reach.get(from)?.has(to) ?? false;

  const cycles = new Map<string, string[]>();
  for (const file of [...targets.keys()].filter((name) => reaches(name, name))) {
    const members = [...targets.keys()].filter((other) => reaches(file, other) && reaches(other, file)).toSorted();
    cycles.set(members.join(), members);
  }
  return [...cycles.values()];
}

function reachable(start: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const ahead = [...(targets.get(start) ?? [])];
  for (let file = ahead.pop(); file !== undefined; file = ahead.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    ahead.push(...(targets.get(file) ?? []));
  }
  return seen;
}

function importsIn(source: ts.SourceFile): { specifier: string; isTypeOnly: boolean }[] {
  const found: { specifier: string; isTypeOnly: boolean }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && isLoading(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      found.push({ specifier: specifier.text, isTypeOnly });
    }
  };
  visit(source);
  return found;
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function isLoading(expression: ts.Expression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && expression.text === 'require')
  );
}

function resolve(from: string, specifier: string, known: ReadonlySet<string>): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = posix.join(posix.dirname(from), specifier);
  return [`${path}.ts`, `${path}/index.ts`, path].find((file) => known.has(file)) ?? path;
}
