// What the server hands over in the page's `data-config`.

export interface Config {
  endpoint: string;
  locale: string;
  /** A staff key that is shown to everybody: in demos alone. */
  demoKey: string | null;
}

export const root: HTMLElement = (() => {
  const found = document.getElementById('console');
  if (found === null) throw new Error('the page has no #console');
  return found;
})();

export const config = JSON.parse(root.dataset['config'] ?? '') as Config;
