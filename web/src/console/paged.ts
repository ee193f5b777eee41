// A list that is read page by page, by its cursors.
import { useSignal } from '@preact/signals';
import type { Page } from './api.ts';
import { type Loaded, useLoaded } from './load.ts';
import { type Problem, problemOf } from './problem.ts';

export interface Paged<Node> extends Omit<Loaded<Page<Node>>, 'data'> {
  nodes: Node[] | undefined;
  hasNext: boolean;
  more(): void;
}

/** @param everyMs how often to look for changes, as long as only the first page is shown */
export function usePaged<Node>(read: (after: string | null) => Promise<Page<Node>>, inputs: readonly unknown[], everyMs?: number): Paged<Node> {
  const further = useSignal<Page<Node>[]>([]);
  const reading = useSignal(false);
  const trouble = useSignal<Problem | null>(null);
  const first = useLoaded(async () => {
    const page = await read(null);
    further.value = [];
    return page;
  }, inputs, further.value.length === 0 ? everyMs : undefined);
  const last = further.value.at(-1) ?? first.data;

  const more = async (): Promise<void> => {
    if (!last?.pageInfo.hasNextPage || reading.value) return;
    reading.value = true;
    trouble.value = null;
    try {
      further.value = [...further.value, await read(last.pageInfo.endCursor)];
    } catch (error) {
      trouble.value = problemOf(error);
    }
    reading.value = false;
  };
  return {
    ...first,
    nodes: first.data && [first.data, ...further.value].flatMap(({ nodes }) => nodes),
    problem: first.problem ?? trouble.value,
    busy: first.busy || reading.value,
    hasNext: last?.pageInfo.hasNextPage ?? false,
    more: () => void more(),
  };
}
