// What the server hands over in the page's `data-config`.

export interface Config {
  endpoint: string;
  testMode: boolean;
  locale: string;
  /** Addresses by gateway; empty but in the demo. */
  simulators: Record<string, string>;
  /** The pages of those who work here, as far as they are served. */
  backstage: ('/console' | '/graphiql')[];
}

export const root: HTMLElement = (() => {
  const found = document.getElementById('shop');
  if (found === null) throw new Error('the page has no #shop');
  return found;
})();

export const config = JSON.parse(root.dataset['config'] ?? '') as Config;
