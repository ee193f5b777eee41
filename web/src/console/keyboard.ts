// Shortcuts. A page names its own while it is shown, and the help lists what holds now.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { go, PAGES, type PageName } from './route.ts';

interface Shortcut {
  key: string;
  says: string;
  run(): void;
}

export const helpOpen = signal(false);
export const ofThisPage = signal<readonly Shortcut[]>([]);

/** @param run null where there is nothing to do now */
export function useShortcut(key: string, says: string, run: (() => void) | null): void {
  const latest = useRef(run);
  latest.current = run;
  const isThere = run !== null;
  // As soon as its button shows: who sees that may press the key.
  useLayoutEffect(() => {
    if (!isThere) return undefined;
    const mine: Shortcut = { key, says, run: () => latest.current?.() };
    ofThisPage.value = [...ofThisPage.value, mine];
    return () => { ofThisPage.value = ofThisPage.value.filter((one) => one !== mine); };
  }, [key, says, isThere]);
}

const GO_WITHIN_MS = 1_500;
let goPressedAt = -Infinity;

export function installKeyboard(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (handle(event.key, event.timeStamp)) event.preventDefault();
  });
}

function handle(key: string, at: number): boolean {
  const page = (Object.keys(PAGES) as PageName[]).find((name) => PAGES[name].key === key);
  if (at - goPressedAt < GO_WITHIN_MS && page) {
    goPressedAt = -Infinity;
    go(page);
    return true;
  }
  switch (key) {
    case 'g': goPressedAt = at; return true;
    case '?': helpOpen.value = true; return true;
    case '/': return focus(document.querySelector<HTMLElement>('#find'));
    case 'j': return step(1);
    case 'k': return step(-1);
    case 'ArrowDown': return isOnRow() && step(1);
    case 'ArrowUp': return isOnRow() && step(-1);
    default: {
      const found = ofThisPage.value.find((one) => one.key === key);
      found?.run();
      return found !== undefined;
    }
  }
}

/** Arrows and letters belong to whoever is typing or choosing, and everything to an open dialog. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (key === ' ' && target.closest('button, a, summary') !== null) return true;
  return target.closest('input, select, textarea, dialog[open], [contenteditable]') !== null;
}

/** Elsewhere the arrows scroll, as everywhere. */
function isOnRow(): boolean {
  return document.activeElement?.matches('[data-row]') ?? false;
}

/** Go to the next row, or to the first where none has the focus. */
function step(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  if (rows.length === 0) return false;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  return focus(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)] ?? null);
}

function focus(element: HTMLElement | null): boolean {
  element?.focus();
  return element !== null;
}
