// What the server hands over in the page's `data-config`.

export interface Config {
  /** Path of the GraphQL endpoint, for HTTP and WebSocket alike. */
  endpoint: string;
  /** Put into the headers editor of each prepared tab; empty outside of demos. */
  headers: Record<string, string>;
}

export function readConfig(element: HTMLElement): Config {
  const text = element.dataset['config'];
  if (text === undefined) throw new Error('the page carries no data-config');
  return JSON.parse(text) as Config;
}
