// Bundles the pages into app/web/static (or the folder given as the first argument).
//
// Same sources, same bytes: file names carry a hash of the content, gzip is done in plain JavaScript
// (a zlib differs between processors and node versions) and without a time stamp. Scripts, styles and
// fonts are kept as .gz only; the server unpacks them for the rare client that can't.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { gzip } from 'pako';
import { terseDocuments } from './operations.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, '../app/web/static'));
const COMPRESSED = new Set(['.js', '.css', '.ttf']);
/** Styles of Monaco's lazy parts: nothing loads them, GraphiQL's own stylesheet holds them already. */
const UNUSED = /^chunk-\w+\.css$/;
const CODICONS = `Codicons, the editor's icon font

Copyright (c) Microsoft Corporation, https://github.com/microsoft/vscode-codicons
Licensed under Creative Commons Attribution 4.0, https://creativecommons.org/licenses/by/4.0/
`;
const NOTICE = '/*! Third-party licences: /static/LICENSES.txt */';

const WORKERS = {
  'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
  'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
  'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
};

/** GraphiQL's stylesheet carries 330 KB of Roboto and Fira Code as data: URLs; the reader's own fonts do. */
const withoutEmbeddedFonts = {
  name: 'without-embedded-fonts',
  setup({ onLoad }) {
    onLoad({ filter: /graphiql[\\/]dist[\\/]style\.css$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replace(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    }));
  },
};

/** The style of the web component is a text in its script: whoever uses it loads one file. */
const styleAsText = {
  name: 'style-as-text',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path: file }) => ({
      contents: (await transform(await readFile(file, 'utf8'), { loader: 'css', minify: true })).code.trim(),
      loader: 'text',
    }));
  },
};

function options(extra) {
  return {
    absWorkingDir: here,
    assetNames: '[name]-[hash]',
    banner: { js: NOTICE, css: NOTICE },
    bundle: true,
    chunkNames: 'chunk-[hash]',
    define: { 'process.env.NODE_ENV': '"production"' },
    entryNames: '[name]-[hash]',
    format: 'esm',
    legalComments: 'none',
    loader: { '.graphql': 'text', '.ttf': 'file' },
    logLevel: 'warning',
    metafile: true,
    minify: true,
    outdir: out,
    target: ['es2022', 'chrome100', 'firefox100', 'safari15.4'],
    write: false,
    ...extra,
  };
}

async function main() {
  const workers = await build(options({
    entryPoints: Object.entries(WORKERS).map(([name, file]) => ({ in: `node_modules/${file}`, out: name })),
  }));
  const ide = await build(options({
    define: { 'process.env.NODE_ENV': '"production"', WORKER_NAMES: JSON.stringify(named(workers)) },
    entryPoints: [{ in: 'src/graphiql/main.tsx', out: 'graphiql' }],
    plugins: [withoutEmbeddedFonts],
    splitting: true, // most of Monaco is loaded when it is needed
  }));
  const pages = await build(options({
    entryPoints: [
      { in: 'src/track/main.ts', out: 'track' },
      { in: 'src/track/track.css', out: 'track' },
      { in: 'src/shop/main.tsx', out: 'shop' },
      { in: 'src/shop/shop.css', out: 'shop' },
      { in: 'src/plain.css', out: 'plain' },
    ],
    plugins: [terseDocuments],
  }));
  const tracker = await build(options({
    banner: {}, // it has no code of others
    charset: 'utf8',
    entryPoints: [
      { in: 'src/tracker/order-tracker.ts', out: 'order-tracker' },
      { in: 'src/tracker/words.hi.json', out: 'order-tracker.hi' },
    ],
    plugins: [terseDocuments, styleAsText],
  }));
  const console = await build(options({
    entryPoints: [
      { in: 'src/console/main.tsx', out: 'console' },
      { in: 'src/console/console.css', out: 'console' },
    ],
    plugins: [terseDocuments],
    splitting: true, // the charts are loaded with the first one that is shown
  }));

  await rm(out, { recursive: true, force: true });
  await mkdir(path.join(out, 'products'), { recursive: true });
  const results = [workers, ide, pages, tracker, console];
  for (const { path: file, contents } of results.flatMap(({ outputFiles }) => outputFiles)) {
    const name = path.relative(out, file);
    if (!UNUSED.test(name)) await put(name, contents);
  }
  for (const name of (await readdir(path.join(here, 'products'))).sort()) {
    await put(`products/${name}`, await readFile(path.join(here, 'products', name)));
  }
  await put('favicon.svg', await readFile(path.join(here, 'src/favicon.svg')));
  await put('LICENSES.txt', await licences(results));
  await put('manifest.json', `${JSON.stringify({ ...named(ide), ...named(pages), ...named(tracker), ...named(console) }, null, 2)}\n`);
}

/** Entry point name with extension → hashed file name. */
function named(result) {
  const names = Object.keys(result.metafile.outputs).map((file) => path.basename(file));
  const entries = names.filter((name) => !name.startsWith('chunk-') && !name.endsWith('.ttf')).sort();
  return Object.fromEntries(entries.map((name) => [name.replace(/-[A-Z0-9]{8}(\.\w+)$/, '$1'), name]));
}

async function put(name, contents) {
  const compressed = COMPRESSED.has(path.extname(name));
  const bytes = compressed ? gzip(contents, { level: 9, header: { time: 0, os: 255 } }) : contents;
  await writeFile(path.join(out, compressed ? `${name}.gz` : name), bytes);
}

/** The licence texts of every package that has code in a bundle. */
async function licences(results) {
  const roots = new Set();
  for (const { metafile } of results) {
    for (const output of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        const root = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
        if (root && bytesInOutput > 0) roots.add(root);
      }
    }
  }
  const parts = [];
  for (const root of [...roots].sort()) parts.push(await notices(root));
  return [...new Set(parts), CODICONS].join(`\n${'-'.repeat(80)}\n\n`);
}

async function notices(root) {
  const manifest = JSON.parse(await readFile(path.join(here, root, 'package.json'), 'utf8'));
  const files = (await readdir(path.join(here, root)))
    .filter((name) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(name))
    .sort();
  const texts = await Promise.all(files.map((name) => readFile(path.join(here, root, name), 'utf8')));
  const bodies = texts.map((text) => text.replace(/\r\n/g, '\n').trim());
  if (bodies.length === 0) bodies.push(`The package carries no licence text. Source: ${sourceOf(manifest)}`);
  return `${[`${manifest.name} ${manifest.version} (${manifest.license})`, ...bodies].join('\n\n')}\n`;
}

function sourceOf({ repository, author }) {
  const address = typeof repository === 'string' ? repository : repository?.url;
  return address ?? (typeof author === 'string' ? author : author?.name) ?? 'unknown';
}

await main();
