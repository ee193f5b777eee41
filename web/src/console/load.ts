// Loading what a page shows: what is there stays while it is loaded again, and late answers lose against newer ones.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Problem, problemOf } from './problem.ts';

export interface Loaded<Data> {
  data: Data | undefined;
  problem: Problem | null;
  busy: boolean;
  reload(): void;
}

/** @param everyMs how often to look again while the page is shown */
export function useLoaded<Data>(work: () => Promise<Data>, inputs: readonly unknown[], everyMs?: number): Loaded<Data> {
  const data = useSignal<Data | undefined>(undefined);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(true);
  const newest = useRef(0);
  const latest = useRef(work);
  latest.current = work;

  const reload = async (): Promise<void> => {
    const mine = ++newest.current;
    busy.value = true;
    try {
      const answer = await latest.current();
      if (mine !== newest.current) return;
      data.value = answer;
      problem.value = null;
    } catch (error) {
      if (mine === newest.current) problem.value = problemOf(error);
    }
    if (mine === newest.current) busy.value = false;
  };
  useEffect(() => {
    data.value = undefined;
    problem.value = null;
    void reload();
    return () => { newest.current++; };
  }, inputs);
  useEffect(() => (everyMs === undefined ? undefined : every(everyMs, () => void reload())), [everyMs]);
  return { data: data.value, problem: problem.value, busy: busy.value, reload: () => void reload() };
}

/** Calls while somebody can see the page, and once when they come back to it. */
export function every(ms: number, call: () => void): () => void {
  const look = (): void => { if (!document.hidden) call(); };
  const timer = setInterval(look, ms);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
