// Tells Monaco where its workers are: in files of our own beside this script, never a CDN.
import type { Environment } from 'monaco-editor';

declare const WORKER_NAMES: Record<string, string>; // filled in by build.mjs: the names carry hashes

const environment: Environment = {
  getWorker(_id, label) {
    const entry = label === 'json' || label === 'graphql' ? `${label}.worker.js` : 'editor.worker.js';
    const name = WORKER_NAMES[entry];
    if (name === undefined) throw new Error(`no worker named ${entry}`);
    return new Worker(new URL(name, import.meta.url), { type: 'module' });
  },
};
Object.assign(globalThis, { MonacoEnvironment: environment });
