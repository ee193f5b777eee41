// One field that finds an order by whatever somebody reads out: its number, id, e-mail, a payment's id or reference.
import { useSignal } from '@preact/signals';
import { ask } from './api.ts';
import findQuery from './find.graphql';
import { problemOf } from './problem.ts';
import { go } from './route.ts';
import { lacking } from './session.ts';
import { say } from './toast.tsx';

const ID = /^(ord|pay|inb|sus)_/;
const PAGE_OF = { InboxEvent: 'inbox', SuspenseItem: 'suspense' } as const;

interface Found {
  node?: { __typename: string; id: string; order?: { id: string } } | null;
  orders?: { nodes: { id: string }[] };
  payments?: { nodes: { order: { id: string } }[] };
}

export function Find() {
  const text = useSignal('');
  const busy = useSignal(false);
  const why = lacking('orders:read');
  const find = async (): Promise<void> => {
    const wanted = text.value.trim();
    if (wanted === '' || busy.value) return;
    busy.value = true;
    try {
      if (wanted.includes('@')) go('orders', null, { email: wanted });
      else if (!(await open(wanted))) say(`Nothing is known by “${wanted}”.`);
    } catch (error) {
      say(problemOf(error).message);
    }
    busy.value = false;
  };
  return (
    <form class="find" role="search" onSubmit={(event) => { event.preventDefault(); void find(); }}>
      <label class="hush" for="find">Find an order by number, e-mail, reference or id</label>
      <input
        id="find" type="search" placeholder="Number, e-mail, reference or id" autoComplete="off" spellcheck={false} maxLength={200}
        disabled={why !== null} title={why ?? ''} value={text.value} onInput={(event) => { text.value = event.currentTarget.value; }}
        onKeyDown={(event) => { if (event.key === 'Escape') event.currentTarget.blur(); }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

/** @returns the id of the order that is known by a number, an id or a payment's reference */
export async function orderBy(wanted: string): Promise<string | null> {
  return orderIn(await look(wanted));
}

async function open(wanted: string): Promise<boolean> {
  const found = await look(wanted);
  const page = PAGE_OF[found.node?.__typename as keyof typeof PAGE_OF];
  const order = orderIn(found);
  if (page) go(page, page === 'inbox' ? found.node?.id : null);
  else if (order) go('orders', order);
  return page !== undefined || order !== null;
}

function orderIn({ node, orders, payments }: Found): string | null {
  if (node) return node.order?.id ?? (node.__typename === 'Order' ? node.id : null);
  return orders?.nodes[0]?.id ?? payments?.nodes[0]?.order.id ?? null;
}

function look(wanted: string): Promise<Found> {
  const byId = ID.test(wanted);
  return ask<Found>(findQuery, { id: wanted, number: wanted.toUpperCase(), reference: wanted, byId, byText: !byId });
}
