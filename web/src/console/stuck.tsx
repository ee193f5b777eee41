// Payments whose outcome is open for longer than it should be, and asking the gateway what became of them.
import { nameOf } from '../gateways.ts';
import type { Money } from '../money.ts';
import { ask, type Page } from './api.ts';
import { useEvents } from './feed.ts';
import { look, STUCK_SECONDS } from './figures.ts';
import { Listed } from './listed.tsx';
import { AskGateway } from './order.tsx';
import { usePaged } from './paged.ts';
import { Age, Amount, Empty, OrderLink, Scroll, State, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { refine, route } from './route.ts';
import { lacking } from './session.ts';
import stuckQuery from './stuck.graphql';
import { ago, duration } from './times.ts';
import { words } from './words.ts';

const STEPS = [0, 60, 5 * 60, STUCK_SECONDS, 3_600, 6 * 3_600, 86_400];
const LOOK_EVERY_MS = 10_000;

interface OpenPayment {
  id: string;
  gateway: string;
  method: string | null;
  status: string;
  reference: string | null;
  createdAt: string;
  amount: Money;
  order: { id: string; number: string };
}

export function Stuck() {
  const why = lacking('orders:read');
  if (why !== null) return <Trouble problem={new Problem('FORBIDDEN', why)} />;
  return <List />;
}

function List() {
  const asked = Number(route.value.query.get('over') ?? STUCK_SECONDS);
  const over = STEPS.includes(asked) ? asked : STUCK_SECONDS;
  const list = usePaged<OpenPayment>(
    async (after) => (await ask<{ payments: Page<OpenPayment> }>(stuckQuery, { before: ago(over), after })).payments,
    [over], LOOK_EVERY_MS,
  );
  useEvents(({ type }) => type.startsWith('PAYMENT_'), list.reload);
  const done = (): void => {
    list.reload();
    void look();
  };
  return (
    <>
      <div class="bar">
        <label class="inline">Open for longer than
          <select value={over} onChange={(event) => refine({ over: event.currentTarget.value })}>
            {STEPS.map((seconds) => <option key={seconds} value={seconds}>{seconds === 0 ? 'nothing: all that are open' : duration(seconds)}</option>)}
          </select>
        </label>
        <span class="hint">The server asks after each by itself, too, by its gateway's schedule.</span>
      </div>
      <Listed list={list} what="open payments" empty={<Empty title="No payment is stuck">Each that was opened has come to an end in time.</Empty>}>
        {(payments) => <Table rows={payments} done={done} />}
      </Listed>
    </>
  );
}

function Table({ rows, done }: { rows: OpenPayment[]; done: () => void }) {
  const why = lacking('payments:write');
  return (
    <Scroll label="Open payments">
      <table class="rows">
        <thead><tr><th scope="col">Open for</th><th scope="col">Order</th><th scope="col">State</th><th scope="col" class="money">Amount</th><th scope="col">Gateway</th><th scope="col">Reference</th><th scope="col"><span class="hush">What to do</span></th></tr></thead>
        <tbody>
          {rows.map((payment) => (
            <tr key={payment.id}>
              <td class="time"><Age since={payment.createdAt} /></td>
              <td><OrderLink order={payment.order} row /></td>
              <td><State of={payment.status} /></td>
              <td class="money"><Amount of={payment.amount} /></td>
              <td>{nameOf(payment.gateway)}{payment.method && <small> {words(payment.method)}</small>}</td>
              <td class="mono cut" title={payment.reference ?? ''}>{payment.reference ?? '–'}</td>
              <td><AskGateway payment={payment} why={why} done={done} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
