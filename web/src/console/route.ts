// Which page is shown: `#/orders/ord_…`. The part after # stays in the browser.
import { computed, signal } from '@preact/signals';

export const PAGES = {
  live: { title: 'Live', key: 'l' },
  orders: { title: 'Orders', key: 'o' },
  inbox: { title: 'Inbox', key: 'i' },
  suspense: { title: 'Suspense', key: 's' },
  stuck: { title: 'Stuck payments', key: 'p' },
  integrity: { title: 'Integrity', key: 'c' },
  health: { title: 'Health', key: 'h' },
} as const;
export type PageName = keyof typeof PAGES;

interface Route {
  page: PageName;
  id: string | null;
  query: URLSearchParams;
}

const hash = signal(location.hash);
export const route = computed<Route>(() => read(hash.value));

addEventListener('hashchange', () => {
  hash.value = location.hash;
  scrollTo(0, 0);
});

export function pathTo(page: PageName, id?: string | null, query: Record<string, string> = {}): string {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ''}${words ? `?${words}` : ''}`;
}

export function go(page: PageName, id?: string | null, query?: Record<string, string>): void {
  location.hash = pathTo(page, id, query);
}

/** Change what is filtered without a step in the browser's history. */
export function refine(query: Record<string, string>): void {
  history.replaceState(null, '', pathTo(route.value.page, route.value.id, query));
  hash.value = location.hash;
}

function read(text: string): Route {
  const [, page = '', id = '', words = ''] = /^#\/([a-z]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? [];
  const known = page in PAGES ? (page as PageName) : 'live';
  return { page: known, id: decodeURIComponent(id) || null, query: new URLSearchParams(words) };
}
