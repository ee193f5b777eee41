// The gateways' webhooks as they came, what became of each, and trying again what failed.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { nameOf } from '../gateways.ts';
import { ask, check, type Page } from './api.ts';
import inboxEventQuery from './inbox-event.graphql';
import inboxEventReplay from './inbox-event-replay.graphql';
import inboxQuery from './inbox.graphql';
import { useShortcut } from './keyboard.ts';
import { Listed } from './listed.tsx';
import { useLoaded } from './load.ts';
import { Choice } from './orders.tsx';
import { usePaged } from './paged.ts';
import { Action, Empty, Loading, OrderLink, Scroll, State, Time, Trouble } from './parts.tsx';
import { Problem, problemOf } from './problem.ts';
import { go, pathTo, refine, route } from './route.ts';
import { lacking } from './session.ts';
import { say } from './toast.tsx';
import { count } from './words.ts';

const STATES = ['FAILED', 'UNMATCHED', 'RECEIVED', 'APPLIED', 'IGNORED'];
const GATEWAYS = ['STRIPE', 'PAYPAL', 'RAZORPAY', 'PAYTM', 'SANDBOX'];
const LOOK_EVERY_MS = 5_000;
const REPLAY_LOOK_MS = 500;
const REPLAY_LOOKS_MAX = 30;

interface Delivery {
  id: string;
  gateway: string;
  externalId: string;
  type: string;
  status: string;
  deliveries: number;
  attempts: number;
  error: string | null;
  receivedAt: string;
}
interface WholeDelivery extends Delivery {
  appliedAt: string | null;
  body: unknown;
  payment: { id: string; reference: string | null; order: { id: string; number: string } } | null;
}

export function Inbox() {
  const why = lacking('inbox');
  if (why !== null) return <Trouble problem={new Problem('FORBIDDEN', why)} />;
  return <List />;
}

function List() {
  const { query } = route.value;
  const given = { status: query.get('status') ?? '', gateway: query.get('gateway') ?? '', type: query.get('type') ?? '' };
  const set = (change: Partial<typeof given>): void => refine({ ...given, ...change });
  const filter = {
    ...(given.status && { status: [given.status] }), ...(given.gateway && { gateway: given.gateway }), ...(given.type && { type: given.type }),
  };
  const list = usePaged<Delivery>(
    async (after) => (await ask<{ inboxEvents: Page<Delivery> }>(inboxQuery, { filter, after })).inboxEvents, [JSON.stringify(filter)], LOOK_EVERY_MS,
  );
  return (
    <>
      <div class="bar">
        <Choice label="State" any="Every state" of={STATES} value={given.status} set={(status) => set({ status })} />
        <label><span class="hush">Gateway</span>
          <select value={given.gateway} onChange={(event) => set({ gateway: event.currentTarget.value })}>
            <option value="">Every gateway</option>
            {GATEWAYS.map((name) => <option key={name} value={name}>{nameOf(name)}</option>)}
          </select>
        </label>
        <label><span class="hush">Type</span>
          <input type="search" placeholder="Type, e.g. payment.succeeded" value={given.type} maxLength={200} onChange={(event) => set({ type: event.currentTarget.value.trim() })} />
        </label>
      </div>
      <Listed list={list} what="deliveries" empty={
        <Empty title={Object.keys(filter).length > 0 ? 'No delivery is like that' : 'No webhook has come yet'}>
          {given.status === 'FAILED' || given.status === 'UNMATCHED' ? 'That is how it should be.' : 'They show here as they come, each once.'}
        </Empty>
      }>
        {(deliveries) => <Table rows={deliveries} />}
      </Listed>
    </>
  );
}

function Table({ rows }: { rows: Delivery[] }) {
  return (
    <Scroll label="Deliveries">
      <table class="rows">
        <thead><tr><th scope="col">Received</th><th scope="col">Type</th><th scope="col">State</th><th scope="col">Gateway</th><th scope="col" class="money">Sent</th><th scope="col" class="money">Tries</th><th scope="col">Why not applied</th></tr></thead>
        <tbody>
          {rows.map((delivery) => (
            <tr key={delivery.id}>
              <td class="time"><Time at={delivery.receivedAt} /></td>
              <td><a class="mono" href={pathTo('inbox', delivery.id)} data-row>{delivery.type}</a></td>
              <td><State of={delivery.status} /></td>
              <td>{nameOf(delivery.gateway)}</td>
              <td class="money">{delivery.deliveries}</td>
              <td class="money">{delivery.attempts}</td>
              <td class="cut" title={delivery.error ?? ''}>{delivery.error ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function DeliveryPage({ id }: { id: string }) {
  const loaded = useLoaded(async () => (await ask<{ node: WholeDelivery | null }>(inboxEventQuery, { id })).node, [id]);
  useShortcut('Escape', 'Back to the inbox', () => go('inbox'));
  const { data, problem } = loaded;
  const why = lacking('inbox');
  if (why !== null) return <Trouble problem={new Problem('FORBIDDEN', why)} />;
  return (
    <>
      {problem && <Trouble problem={problem} retry={loaded.reload} />}
      {data === undefined && !problem && <Loading what="the delivery" rows={8} />}
      {data === null && <Empty title="There is no such delivery"><a href={pathTo('inbox')}>All deliveries</a></Empty>}
      {data && <Shown delivery={data} reload={loaded.reload} />}
    </>
  );
}

function Shown({ delivery, reload }: { delivery: WholeDelivery; reload: () => void }) {
  const replay = useReplay(delivery, reload);
  const done = delivery.status === 'APPLIED' ? 'It was applied: there is nothing left to do.' : delivery.status === 'IGNORED' ? 'It says nothing about money.' : null;
  useShortcut('r', 'Replay', done === null ? replay.run : null);
  return (
    <>
      <header class="order-head">
        <h1 class="long"><code>{delivery.type}</code></h1>
        <p class="states"><State of={delivery.status} /></p>
        <span class="push" />
        <Action tone="main" why={done} busy={replay.busy} onClick={replay.run} shortcut="r">{replay.busy ? 'Replaying …' : 'Replay'}</Action>
      </header>
      {replay.problem && <Trouble problem={replay.problem} />}
      {delivery.error && delivery.status !== 'APPLIED' && <p class="failure">{delivery.error}</p>}
      <dl class="pairs sheet">
        <div><dt>Gateway</dt><dd>{nameOf(delivery.gateway)}</dd></div>
        <div><dt>Its id there</dt><dd class="mono">{delivery.externalId}</dd></div>
        <div><dt>Received</dt><dd><Time at={delivery.receivedAt} /></dd></div>
        <div><dt>Applied</dt><dd>{delivery.appliedAt ? <Time at={delivery.appliedAt} /> : 'no'}</dd></div>
        <div><dt>Sent</dt><dd>{count(delivery.deliveries, 'time')}</dd></div>
        <div><dt>Tried</dt><dd>{count(delivery.attempts, 'time')}</dd></div>
        {delivery.payment && <div><dt>Order</dt><dd><OrderLink order={delivery.payment.order} /></dd></div>}
      </dl>
      <section aria-labelledby="body-title">
        <h2 id="body-title">Body</h2>
        <p class="soft">As it came. What people pay with is masked.</p>
        <pre class="body" tabIndex={0} aria-labelledby="body-title">{typeof delivery.body === 'string' ? delivery.body : JSON.stringify(delivery.body, null, 2)}</pre>
      </section>
    </>
  );
}

/** A worker tries it again as soon as it is free; what came of it is looked for until it shows. */
function useReplay(delivery: WholeDelivery, reload: () => void): { busy: boolean; problem: Problem | null; run: () => void } {
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const gone = useSignal(false);
  useEffect(() => () => { gone.value = true; }, []);
  const run = async (): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      const { answer } = await ask<{ answer: { errors: { code: string; message: string }[] } }>(inboxEventReplay, { id: delivery.id });
      check(answer);
      say(await outcome(delivery, () => gone.value));
    } catch (error) {
      problem.value = problemOf(error);
    }
    busy.value = false;
    reload();
  };
  return { busy: busy.value, problem: problem.value, run: () => void run() };
}

async function outcome({ id, attempts }: WholeDelivery, isGone: () => boolean): Promise<string> {
  for (let looks = 0; looks < REPLAY_LOOKS_MAX && !isGone(); looks++) {
    await new Promise((resolve) => setTimeout(resolve, REPLAY_LOOK_MS));
    const { node } = await ask<{ node: WholeDelivery | null }>(inboxEventQuery, { id });
    if (node?.status === 'APPLIED') return 'Replayed, and applied.';
    if (node && node.attempts > attempts) return `Replayed, and still not applied: ${node.error ?? 'no reason was given'}`;
  }
  return 'The replay is owed; no worker has taken it up yet.';
}
