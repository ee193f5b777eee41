// What happens now, in words.
import { useSignal } from '@preact/signals';
import { nameOf } from '../gateways.ts';
import { connection, feed, type FeedEvent, historyRead } from './feed.ts';
import { useShortcut } from './keyboard.ts';
import { LastHour } from './last-hour.tsx';
import { Action, Amount, Empty, Loading, OrderLink, Scroll, State, Time, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { refine, route } from './route.ts';
import { lacking } from './session.ts';
import { count, eventWords, sourceWords } from './words.ts';

const SHOWN_MAX = 100;
const KINDS: Record<string, { label: string; holds: (event: FeedEvent) => boolean }> = {
  '': { label: 'Everything', holds: () => true },
  payments: { label: 'Payments', holds: ({ type }) => type.startsWith('PAYMENT_') },
  money: { label: 'Refunds and disputes', holds: ({ type }) => /^(REFUND|DISPUTE)_/.test(type) },
  trouble: { label: 'Trouble', holds: ({ type }) => /FAILED|CONFLICTED|EXPIRED|DISPUTE_(OPENED|LOST)|SUSPENSE_OPENED/.test(type) },
  orders: { label: 'Orders', holds: ({ type }) => /^(ORDER|FULFILLMENT)_/.test(type) },
};

export function Live() {
  const why = lacking('orders:read');
  return (
    <>
      <LastHour />
      <section aria-labelledby="feed-title">
        {why === null ? <Feed /> : <><h2 id="feed-title">Events</h2><Trouble problem={new Problem('FORBIDDEN', why)} /></>}
      </section>
    </>
  );
}

function Feed() {
  const frozen = useSignal<readonly FeedEvent[] | null>(null);
  const { query } = route.value;
  const kind = query.get('kind') ?? '';
  const gateway = query.get('gateway') ?? '';
  const set = (given: Record<string, string>): void => refine({ kind, gateway, ...given });
  const all = frozen.value ?? feed.value;
  const gateways = [...new Set(feed.value.flatMap((event) => event.gateway ?? []))].sort();
  const shown = all.filter((event) => (KINDS[kind] ?? KINDS['']!).holds(event) && (gateway === '' || event.gateway === gateway));
  const known = new Set(frozen.value);
  const missed = frozen.value === null ? 0 : feed.value.filter((event) => !known.has(event)).length;
  const toggle = (): void => { frozen.value = frozen.value === null ? feed.value : null; };
  useShortcut(' ', 'Pause, or go on', toggle);

  return (
    <>
      <div class="bar">
        <h2 id="feed-title">Events</h2>
        <label><span class="hush">Kind</span>
          <select value={kind} onChange={(event) => set({ kind: event.currentTarget.value })}>
            {Object.entries(KINDS).map(([name, { label }]) => <option key={name} value={name}>{label}</option>)}
          </select>
        </label>
        <label><span class="hush">Gateway</span>
          <select value={gateway} onChange={(event) => set({ gateway: event.currentTarget.value })}>
            <option value="">Every gateway</option>
            {gateways.map((name) => <option key={name} value={name}>{nameOf(name)}</option>)}
          </select>
        </label>
        <span class="push" />
        <span class="hint" role="status">{frozen.value !== null && (missed > 0 ? `Paused; ${count(missed, 'new event')}` : 'Paused')}</span>
        <Action why={null} onClick={toggle}>{frozen.value === null ? 'Pause' : 'Go on'}</Action>
      </div>
      {shown.length > 0 ? <Events events={shown.slice(0, SHOWN_MAX)} /> : historyRead.value
        ? <Empty title={feed.value.length > 0 ? 'Nothing of this kind' : 'Nothing has happened yet'}>
            {feed.value.length > 0 ? 'Choose another kind or gateway to see the rest.' : 'Events show here the moment they are committed.'}
          </Empty>
        : connection.value === 'reconnecting' ? <Empty title="No connection">It is tried again by itself.</Empty> : <Loading what="events" />}
    </>
  );
}

function Events({ events }: { events: readonly FeedEvent[] }) {
  return (
    <Scroll label="Events">
      <table class="rows feed">
        <thead>
          <tr><th scope="col">Time</th><th scope="col">What</th><th scope="col">Order</th><th scope="col" class="money">Amount</th><th scope="col">Gateway</th><th scope="col">Told by</th></tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={`${event.orderId}:${event.version}`}>
              <td class="time"><Time at={event.occurredAt} /></td>
              <td class="what"><State of={event.type} label={eventWords(event.type)} />{event.message && <small>{event.message}</small>}</td>
              <td><OrderLink order={{ id: event.orderId, number: event.number }} row /></td>
              <td class="money">{event.amount && <Amount of={event.amount} />}</td>
              <td>{event.gateway && nameOf(event.gateway)}</td>
              <td class="soft">{sourceWords(event.source)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
