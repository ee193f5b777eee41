// A list in all its states: loading, gone wrong, empty, and page by page.
import type { ComponentChildren } from 'preact';
import type { Paged } from './paged.ts';
import { Loading, number, Trouble } from './parts.tsx';

export function Listed<Node>({ list, what, empty, children }: {
  list: Paged<Node>; what: string; empty: ComponentChildren; children: (nodes: Node[]) => ComponentChildren;
}) {
  const { nodes, problem } = list;
  return (
    <>
      {problem && <Trouble problem={problem} retry={list.reload} />}
      {!nodes && !problem && <Loading what={what} rows={10} />}
      {nodes?.length === 0 && empty}
      {nodes && nodes.length > 0 && <>{children(nodes)}<More list={list} shown={nodes.length} /></>}
    </>
  );
}

function More<Node>({ list, shown }: { list: Paged<Node>; shown: number }) {
  return (
    <p class="more">
      <span role="status">{number(shown)} shown{list.hasNext ? '' : ', no more'}</span>
      {list.hasNext && <button type="button" class="button quiet" disabled={list.busy} onClick={list.more}>Show more</button>}
    </p>
  );
}
