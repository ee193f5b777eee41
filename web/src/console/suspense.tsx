// Money that no order may keep yet, and giving it its place.
import { useSignal } from '@preact/signals';
import { nameOf } from '../gateways.ts';
import { act, ask, type Page } from './api.ts';
import { Confirm } from './dialog.tsx';
import { useEvents } from './feed.ts';
import { look } from './figures.ts';
import { orderBy } from './find.tsx';
import { Listed } from './listed.tsx';
import type { Amount as Exact } from './order-types.ts';
import { usePaged } from './paged.ts';
import { Age, Amount, Empty, money, OrderLink, Scroll, Time, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { refine, route } from './route.ts';
import { lacking } from './session.ts';
import suspenseQuery from './suspense.graphql';
import suspenseResolve from './suspense-resolve.graphql';
import { say } from './toast.tsx';
import { REASONS, RESOLUTIONS, words } from './words.ts';

const MESSAGE_LENGTH_MAX = 500;
const LOOK_EVERY_MS = 5_000;

interface Item {
  id: string;
  reason: string;
  gateway: string;
  reference: string;
  resolution: string | null;
  createdAt: string;
  resolvedAt: string | null;
  amount: Exact;
  order: { id: string; number: string } | null;
  payment: { id: string } | null;
}

export function Suspense() {
  const why = lacking('suspense');
  if (why !== null) return <Trouble problem={new Problem('FORBIDDEN', why)} />;
  return <List />;
}

function List() {
  const open = route.value.query.get('show') !== 'resolved';
  const resolving = useSignal<Item | null>(null);
  const list = usePaged<Item>(
    async (after) => (await ask<{ suspenseItems: Page<Item> }>(suspenseQuery, { open, after })).suspenseItems, [open], LOOK_EVERY_MS,
  );
  useEvents(({ type }) => /^(SUSPENSE|PAYMENT)_/.test(type), list.reload);
  const done = (): void => {
    list.reload();
    void look();
  };
  return (
    <>
      <div class="bar">
        <label><span class="hush">Which</span>
          <select value={open ? 'open' : 'resolved'} onChange={(event) => refine({ show: event.currentTarget.value === 'open' ? '' : 'resolved' })}>
            <option value="open">Waiting for a place</option>
            <option value="resolved">Resolved</option>
          </select>
        </label>
      </div>
      <Listed list={list} what="suspense items" empty={
        <Empty title={open ? 'All money has its place' : 'Nothing was resolved yet'}>
          {open && 'Money that comes late, twice, in another amount or for no known order waits here.'}
        </Empty>
      }>
        {(items) => <Table rows={items} resolve={(item) => { resolving.value = item; }} />}
      </Listed>
      {resolving.value && <Resolve item={resolving.value} close={() => { resolving.value = null; }} done={done} />}
    </>
  );
}

function Table({ rows, resolve }: { rows: Item[]; resolve: (item: Item) => void }) {
  return (
    <Scroll label="Suspense items">
      <table class="rows">
        <thead><tr><th scope="col">Why</th><th scope="col" class="money">Amount</th><th scope="col">Gateway</th><th scope="col">Reference</th><th scope="col">Order</th><th scope="col">Age</th><th scope="col">Place</th></tr></thead>
        <tbody>
          {rows.map((item) => (
            <tr key={item.id}>
              <td class="why">{REASONS[item.reason] ?? words(item.reason)}</td>
              <td class="money"><Amount of={item.amount} /></td>
              <td>{nameOf(item.gateway)}</td>
              <td class="mono cut" title={item.reference}>{item.reference}</td>
              <td>{item.order ? <OrderLink order={item.order} /> : <span class="soft">unknown</span>}</td>
              <td class="time"><Age since={item.createdAt} /></td>
              <td>
                {item.resolution === null
                  ? <button type="button" class="button quiet" data-row onClick={() => resolve(item)}>Resolve<span class="hush"> {money(item.amount)}, {item.reference}</span></button>
                  : <>{RESOLUTIONS[item.resolution] ?? words(item.resolution)}{item.resolvedAt && <small> <Time at={item.resolvedAt} /></small>}</>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Resolve({ item, close, done }: { item: Item; close: () => void; done: () => void }) {
  const choice = useSignal<string | null>(null);
  const order = useSignal('');
  const message = useSignal('');
  const isUnknown = item.reason === 'UNKNOWN_ORDER';
  const needsOrder = isUnknown && choice.value === 'APPLY_TO_ORDER';
  const resolve = async (): Promise<void> => {
    const orderId = needsOrder ? await orderBy(order.value.trim()) : null;
    if (needsOrder && orderId === null) throw new Problem('NOT_FOUND', `No order is known by “${order.value.trim()}”.`);
    const input = { id: item.id, resolution: choice.value, orderId, message: message.value.trim() || null };
    await act(suspenseResolve, JSON.stringify(['resolve', input]), input);
    say(`${money(item.amount)}: ${(RESOLUTIONS[choice.value ?? ''] ?? '').toLowerCase()}.`);
    done();
  };
  return (
    <Confirm
      title={`Give ${money(item.amount)} a place`} close={close} act={resolve} tone={choice.value === 'WRITE_OFF' ? 'danger' : 'main'}
      can={choice.value !== null && (!needsOrder || order.value.trim() !== '')} confirm={choice.value ? VERBS[choice.value] : 'Resolve'}
    >
      <p>{REASONS[item.reason] ?? words(item.reason)}. It came through {nameOf(item.gateway)} as <code>{item.reference}</code>{item.order && <> for order <code>{item.order.number}</code></>}.</p>
      <fieldset class="choices">
        <legend class="hush">Where it goes</legend>
        {outcomes(item).map(({ name, says, why }, place) => (
          <label key={name} class="choice" data-off={why !== null}>
            <input type="radio" name="resolution" value={name} checked={choice.value === name} disabled={why !== null} autoFocus={place === 0} onChange={() => { choice.value = name; }} />
            <span><b>{VERBS[name]}</b> {why ?? says}</span>
          </label>
        ))}
      </fieldset>
      {needsOrder && (
        <label class="field">
          <span>Order <small>its number or id</small></span>
          <input required autoComplete="off" spellcheck={false} maxLength={100} value={order.value} onInput={(event) => { order.value = event.currentTarget.value; }} />
        </label>
      )}
      <label class="field">
        <span>Why <small>optional, for those who look later</small></span>
        <input maxLength={MESSAGE_LENGTH_MAX} autoComplete="off" value={message.value} onInput={(event) => { message.value = event.currentTarget.value; }} />
      </label>
    </Confirm>
  );
}

const VERBS: Record<string, string> = { REFUND: 'Send it back', APPLY_TO_ORDER: 'Take it for the order', WRITE_OFF: 'Write it off' };

function outcomes({ reason, amount }: Item): { name: string; says: string; why: string | null }[] {
  const applied: Record<string, string> = {
    UNKNOWN_ORDER: 'It becomes a payment of an order that you name.',
    AMOUNT_MISMATCH: `${money(amount)} are accepted in place of what was asked.`,
    LATE_PAYMENT: 'The order is opened again, and its goods are promised after all.',
    SURPLUS: 'It pays for its own order, if that was closed and is covered by it.',
  };
  return [
    { name: 'REFUND', says: 'The gateway is asked to give it back to whoever paid it.', why: null },
    { name: 'APPLY_TO_ORDER', says: applied[reason] ?? '', why: reason === 'CURRENCY_MISMATCH' ? 'It is in another currency than the order.' : null },
    { name: 'WRITE_OFF', says: 'It stays at the gateway, outside any order, for good.', why: null },
  ];
}
