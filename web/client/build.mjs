// Builds the package into dist/: types of its operations out of the schema, then scripts and their declarations.
//
// Scripts are left readable; whoever bundles them minifies. Same sources, same bytes, as with the pages.
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { checkDocuments, operationTypes, terseDocuments } from '../operations.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const schema = path.join(here, '../../schema/schema.graphql');
const compiler = path.join(here, '../node_modules/.bin/tsc');

await checkDocuments(schema, path.join(here, '../src'));
await writeFile(path.join(here, 'src/operations.ts'), await operationTypes(schema, path.join(here, 'src')));
await rm(path.join(here, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: here,
  bundle: true,
  chunkNames: 'chunk-[hash]',
  entryPoints: ['index', 'react', 'preact'].map((name) => `src/${name}.ts`),
  external: ['react', 'preact'],
  format: 'esm',
  logLevel: 'warning',
  outdir: 'dist',
  plugins: [terseDocuments],
  splitting: true,
  target: 'es2022',
});
for (const [name, directive] of [['react', "'use client';\n"], ['preact', '']]) {
  const file = path.join(here, `dist/${name}.js`);
  // Imports that esbuild leaves for the effects of chunks that have none: bundlers warn of them.
  const script = (await readFile(file, 'utf8')).replace(/^import "\.\/chunk-\w+\.js";\n/gm, '');
  // The hook runs in browsers alone, which Next.js wants to be told in the file's first line.
  await writeFile(file, directive + script);
}
await promisify(execFile)(process.execPath, [compiler, '--project', path.join(here, 'tsconfig.json')]);
