// What GraphiQL may keep between visits: everything but request headers. Its history would store those too,
// and with them somebody's staff key, readable by whoever uses the browser next.
import type { Storage } from '@graphiql/toolkit';

export const storageWithoutHeaders: Storage = {
  get length() {
    return localStorage.length;
  },
  getItem: (key) => localStorage.getItem(key),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  setItem: (key, value) => localStorage.setItem(key, withoutHeaders(value)),
};

function withoutHeaders(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value, (key, inner: unknown) => (key === 'headers' ? null : inner)));
  } catch {
    return value; // a query's text, a width: no JSON, no headers
  }
}
