// Usage: check-kubernetes.mjs [folder]. Checks every manifest of the folder, by default deploy/kubernetes, against the
// schemas of Kubernetes. Prints one line for each fault and exits with 1 if there are any.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'deploy/kubernetes');
const KUSTOMIZE = /^kustomize\.config\.k8s\.io\//;

function manifestsOf(file) {
  return parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { version: '1.1' }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) return [{ file, fault: error.message }];
    const manifest = document.toJS();
    return KUSTOMIZE.test(manifest?.apiVersion) ? [] : [{ file, manifest }];
  });
}

async function schemaFault({ manifest }) {
  const { apiVersion, kind } = manifest ?? {};
  const models = await import(`kubernetes-models/${apiVersion}/${kind}`).catch(() => ({}));
  if (!(kind in models)) return `no kind ${kind} in ${apiVersion} is known`;
  try {
    new models[kind](manifest).validate();
    return null;
  } catch (error) {
    return error.message;
  }
}

/**
 * The schemas accept unknown fields, such as a misspelled probe. The types do not, so this compiles each manifest as an
 * object of its type.
 */
function fieldFaults(manifests) {
  const path = join(root, 'manifests-written-out.ts');
  const lines = manifests.flatMap(({ manifest }, i) => [
    `import type { I${manifest.kind} as Kind${i} } from 'kubernetes-models/${manifest.apiVersion}/${manifest.kind}';`,
    `export const manifest${i}: Kind${i} = ${JSON.stringify(manifest)};`,
  ]);
  const source = ts.createSourceFile(path, lines.join('\n'), ts.ScriptTarget.ESNext);
  const options = { module: ts.ModuleKind.NodeNext, strict: true, noEmit: true, skipLibCheck: true, types: [] };
  const disk = ts.createCompilerHost(options);
  const host = {
    ...disk,
    fileExists: (name) => name === path || disk.fileExists(name),
    getSourceFile: (name, ...rest) => (name === path ? source : disk.getSourceFile(name, ...rest)),
  };
  const program = ts.createProgram([path], options, host);
  return program.getSemanticDiagnostics().map(({ file, start = 0, messageText }) => ({
    file: file === source ? manifests[source.getLineAndCharacterOfPosition(start).line >> 1].file : 'the types',
    fault: ts.flattenDiagnosticMessageText(messageText, ' '),
  }));
}

const files = readdirSync(folder).filter((file) => /\.ya?ml$/.test(file));
const faults = [];
const fitting = [];
for (const entry of files.flatMap(manifestsOf)) {
  const fault = entry.fault ?? (await schemaFault(entry));
  if (fault === null) fitting.push(entry);
  else faults.push({ file: entry.file, fault });
}
faults.push(...fieldFaults(fitting));
for (const { file, fault } of faults) console.error(`${file}: ${fault}`);
console.log(`${fitting.length} manifests checked, ${faults.length} faults`);
process.exitCode = faults.length === 0 && fitting.length > 0 ? 0 : 1;
