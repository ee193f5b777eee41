// Which tab is open at first. GraphiQL restores a query and its variables apart from each other, and fills
// in no variables for a prepared tab; so both are taken from one tab here.
import type { Example } from './examples.ts';

const TABS_KEY = 'graphiql:tabState'; // GraphiQL's own storage
const NOTHING = { query: '', variables: '' };

interface StoredTabs {
  activeTabIndex: number;
  tabs: { query: string | null; variables: string | null }[];
}

/** The tab that was open last; on a first visit the first example. */
export function openAtFirst(tabs: readonly Example[]): { query: string; variables: string } {
  const { query, variables } = storedTab() ?? tabs[0] ?? NOTHING;
  return { query: query ?? '', variables: variables ?? '' };
}

function storedTab(): StoredTabs['tabs'][number] | undefined {
  try {
    const stored = JSON.parse(localStorage.getItem(TABS_KEY) ?? 'null') as StoredTabs | null;
    return stored?.tabs[stored.activeTabIndex];
  } catch {
    return undefined; // GraphiQL, too, starts anew when it can't read what it stored
  }
}
