// One order: what it holds, what happened to it, its payments and its books. It follows the order while it is open.
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { nameOf } from '../gateways.ts';
import { ask, check, type Page } from './api.ts';
import { type OrderEvent, useEvents } from './feed.ts';
import { useShortcut } from './keyboard.ts';
import { Ledger } from './ledger.tsx';
import { useLoaded } from './load.ts';
import { Asking, type Wish } from './order-actions.tsx';
import { capturable, isOpen, type Order, type Payment, refundable } from './order-types.ts';
import orderQuery from './order.graphql';
import timelineQuery from './order-timeline.graphql';
import { Action, Amount, Empty, Loading, State, Time, Trouble } from './parts.tsx';
import paymentSync from './payment-sync.graphql';
import { problemOf } from './problem.ts';
import { go, pathTo } from './route.ts';
import { lacking } from './session.ts';
import { say } from './toast.tsx';
import { eventWords, sourceWords, words } from './words.ts';

const TIMELINE_PAGES_MAX = 10;

type TimelineEvent = Omit<OrderEvent, 'orderId'> & { reportedAt: string | null };

export function OrderPage({ id }: { id: string }) {
  const loaded = useLoaded(async () => {
    const { order } = await ask<{ order: Order | null }>(orderQuery, { id });
    return { order, timeline: order ? await timelineOf(id) : [] };
  }, [id]);
  useEvents((event) => event.orderId === id, loaded.reload);
  useShortcut('Escape', 'Back to the orders', () => go('orders'));
  const { data, problem } = loaded;

  return (
    <>
      {problem && <Trouble problem={problem} retry={loaded.reload} />}
      {!data && !problem && <Loading what="the order" rows={8} />}
      {data?.order === null && <Empty title="There is no such order"><a href={pathTo('orders')}>All orders</a></Empty>}
      {data?.order && <Shown order={data.order} timeline={data.timeline} reload={loaded.reload} />}
    </>
  );
}

function Shown({ order, timeline, reload }: { order: Order; timeline: TimelineEvent[]; reload: () => void }) {
  const wish = useSignal<Wish | null>(null);
  const want = (next: Wish) => (): void => { wish.value = next; };
  const toRefund = order.payments.find((payment) => refundable(payment).minorUnits > 0);
  const toCapture = order.payments.find((payment) => capturable(payment).minorUnits > 0);
  const noRefund = lacking('refunds:write');
  const noPayments = lacking('payments:write');
  const noCancel = lacking('orders:write') ?? whyNotCanceled(order);
  useShortcut('r', 'Refund', toRefund && noRefund === null ? want({ kind: 'refund', payment: toRefund }) : null);
  useShortcut('c', 'Capture', toCapture && noPayments === null ? want({ kind: 'capture', payment: toCapture }) : null);
  useShortcut('x', 'Cancel the order', noCancel === null ? want({ kind: 'cancel' }) : null);

  return (
    <>
      <header class="order-head">
        <h1><span class="soft">Order</span> <code>{order.number}</code></h1>
        <p class="states"><State of={order.status} /><State of={order.paymentStatus} /><State of={order.fulfillmentStatus} /></p>
        <span class="push" />
        <Action tone="danger" why={noCancel} onClick={want({ kind: 'cancel' })} shortcut="x">Cancel order</Action>
      </header>
      <Facts order={order} />
      <div class="two">
        <div>
          <section aria-labelledby="payments-title">
            <h2 id="payments-title">Payments</h2>
            {order.payments.length === 0 && <Empty title="No payment was opened yet" />}
            {[...order.payments].reverse().map((payment) => (
              <PaymentCard
                key={payment.id} payment={payment} reload={reload} noRefund={noRefund} noPayments={noPayments} want={want}
                refundKey={payment === toRefund} captureKey={payment === toCapture}
              />
            ))}
          </section>
          <Lines order={order} />
        </div>
        <Timeline events={timeline} />
      </div>
      <Ledger id={order.id} version={order.version} />
      {wish.value && <Asking wish={wish.value} order={order} close={() => { wish.value = null; }} done={reload} />}
    </>
  );
}

function Facts({ order }: { order: Order }) {
  return (
    <dl class="figures">
      <div><dt>Total</dt><dd><Amount of={order.total} /></dd></div>
      <div><dt>Paid</dt><dd><Amount of={order.paid} /></dd></div>
      <div><dt>Refunded</dt><dd><Amount of={order.refunded} /></dd></div>
      {order.status === 'PENDING' && <div><dt>To pay</dt><dd><Amount of={order.balance} /></dd></div>}
      {order.surplus.minorUnits > 0 && <div><dt>Too much</dt><dd data-tone="stop"><Amount of={order.surplus} /></dd></div>}
      <div class="text who-ordered"><dt>Customer</dt><dd>{order.customerEmail ?? order.customerId ?? 'a guest'}</dd></div>
      <div class="text"><dt>Placed</dt><dd><Time at={order.createdAt} /></dd></div>
      {order.expiresAt && order.status === 'PENDING' && <div class="text"><dt>Waits until</dt><dd><Time at={order.expiresAt} /></dd></div>}
      <div class="text"><dt>Late money</dt><dd>{LATE[order.latePaymentPolicy] ?? words(order.latePaymentPolicy)}</dd></div>
    </dl>
  );
}

const LATE: Record<string, string> = { HONOR: 'reopens it', REFUND: 'goes back', HOLD: 'is held' };

interface CardProps {
  payment: Payment;
  reload: () => void;
  noRefund: string | null;
  noPayments: string | null;
  want: (wish: Wish) => () => void;
  refundKey: boolean;
  captureKey: boolean;
}

function PaymentCard({ payment, reload, noRefund, noPayments, want, refundKey, captureKey }: CardProps) {
  const left = refundable(payment);
  const nothingLeft = payment.captured.minorUnits === 0 ? 'Nothing of this payment was captured.' : left.minorUnits > 0 ? null : 'All of it was given back, or is on its way.';
  return (
    <article class="sheet payment" aria-label={`Payment through ${nameOf(payment.gateway)}`}>
      <header>
        <h3>{nameOf(payment.gateway)}{payment.method && <small> {words(payment.method)}</small>}</h3>
        <State of={payment.status} />
        <span class="push" />
        <b><Amount of={payment.amount} /></b>
      </header>
      <p class="mono soft reference">{payment.reference ?? 'no reference yet'}</p>
      {payment.lastError && <p class="failure"><code>{payment.lastError.declineCode ?? payment.lastError.code}</code> {payment.lastError.message}</p>}
      <dl class="pairs">
        <div><dt>Opened</dt><dd><Time at={payment.createdAt} /></dd></div>
        <div><dt>Authorised</dt><dd><Amount of={payment.authorized} /></dd></div>
        <div><dt>Captured</dt><dd><Amount of={payment.captured} /></dd></div>
        <div><dt>Refunded</dt><dd><Amount of={payment.refunded} /></dd></div>
      </dl>
      {payment.attempts.length > 1 || payment.attempts.some(({ failure }) => failure) ? <Attempts payment={payment} /> : null}
      {payment.refunds.length > 0 && <Refunds payment={payment} />}
      {payment.disputes.length > 0 && <Disputes payment={payment} />}
      <footer>
        <Action why={noRefund ?? nothingLeft} onClick={want({ kind: 'refund', payment })} {...(refundKey ? { shortcut: 'r' } : {})}>Refund</Action>
        {capturable(payment).minorUnits > 0 && (
          <Action tone="main" why={noPayments} onClick={want({ kind: 'capture', payment })} {...(captureKey ? { shortcut: 'c' } : {})}>Capture</Action>
        )}
        {isOpen(payment) && <Action why={noPayments} onClick={want({ kind: 'give-up', payment })}>Give up</Action>}
        <AskGateway payment={payment} why={noPayments} done={reload} />
      </footer>
    </article>
  );
}

export function AskGateway({ payment, why, done }: { payment: { id: string; gateway: string; status: string }; why: string | null; done: () => void }) {
  const busy = useSignal(false);
  const asking = useRef(false);
  const sync = async (): Promise<void> => {
    if (asking.current) return;
    asking.current = busy.value = true;
    try {
      const { answer } = await ask<{ answer: { payment: { status: string } | null; errors: { code: string; message: string }[] } }>(paymentSync, { id: payment.id });
      check(answer);
      const now = answer.payment?.status ?? payment.status;
      say(now === payment.status ? `${nameOf(payment.gateway)} says: nothing new.` : `${nameOf(payment.gateway)} says: ${words(now).toLowerCase()}.`);
      done();
    } catch (error) {
      say(problemOf(error).message);
    }
    asking.current = busy.value = false;
  };
  return <Action why={why} busy={busy.value} onClick={() => void sync()}>{busy.value ? 'Asking …' : 'Ask the gateway'}</Action>;
}

function Attempts({ payment }: { payment: Payment }) {
  return (
    <section>
      <h4>Tries</h4>
      <ul class="small-rows">
        {payment.attempts.map((attempt) => (
          <li key={attempt.reference}>
            <span class="time"><Time at={attempt.createdAt} /></span>
            <State of={attempt.status} />
            <span class="cut">{attempt.failure ? `${attempt.failure.declineCode ?? attempt.failure.code}: ${attempt.failure.message}` : attempt.method && words(attempt.method)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const INITIATORS: Record<string, string> = {
  STAFF: 'by staff', API: 'by the API', LATE_PAYMENT: 'it came late', SURPLUS: 'it was too much', GATEWAY: 'by the gateway',
};

function Refunds({ payment }: { payment: Payment }) {
  return (
    <section>
      <h4>Refunds</h4>
      <ul class="small-rows">
        {payment.refunds.map((refund) => (
          <li key={refund.id}>
            <span class="time"><Time at={refund.createdAt} /></span>
            <State of={refund.status} />
            <span class="cut">
              {[INITIATORS[refund.initiatedBy], refund.reason].filter(Boolean).join(': ')}
              {refund.overdue && <b data-tone="stop"> · overdue</b>}
            </span>
            <Amount of={refund.amount} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Disputes({ payment }: { payment: Payment }) {
  return (
    <section>
      <h4>Disputes</h4>
      <ul class="small-rows">
        {payment.disputes.map((dispute) => (
          <li key={dispute.id}>
            <span class="time"><Time at={dispute.createdAt} /></span>
            <State of={dispute.status} />
            <span class="cut">{dispute.reason && words(dispute.reason)}{dispute.respondBy && <>, evidence until <Time at={dispute.respondBy} /></>}</span>
            <Amount of={dispute.amount} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Lines({ order }: { order: Order }) {
  return (
    <section aria-labelledby="lines-title">
      <h2 id="lines-title">What was ordered</h2>
      <table class="rows plain">
        <thead class="hush"><tr><th scope="col">What</th><th scope="col">Amount</th></tr></thead>
        <tbody>
          {order.lines.map((line, place) => (
            <tr key={place}><th scope="row">{line.quantity} × {line.name} <small class="mono">{line.sku}</small></th><td class="money"><Amount of={line.total} /></td></tr>
          ))}
          {order.adjustments.map((adjustment, place) => (
            <tr key={`adjustment ${place}`}><th scope="row">{adjustment.label} <small>{words(adjustment.kind)}</small></th><td class="money"><Amount of={adjustment.amount} /></td></tr>
          ))}
        </tbody>
        <tfoot><tr><th scope="row">Total</th><td class="money"><Amount of={order.total} /></td></tr></tfoot>
      </table>
    </section>
  );
}

function Timeline({ events }: { events: TimelineEvent[] }) {
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">What happened</h2>
      <ol aria-live="polite" aria-relevant="additions">
        {[...events].reverse().map((event) => (
          <li key={event.version}>
            <p><State of={event.type} label={eventWords(event.type)} />{event.amount && <Amount of={event.amount} />}</p>
            <p class="soft">
              <Time at={event.occurredAt} /> · {sourceWords(event.source)}
              {event.reportedAt && <> · the gateway says <Time at={event.reportedAt} /></>}
            </p>
            {event.message && <p>{event.message}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

async function timelineOf(id: string): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < TIMELINE_PAGES_MAX; pages++) {
    const answer: { order: { events: Page<TimelineEvent> } | null } = await ask(timelineQuery, { id, after });
    if (!answer.order) break;
    events.push(...answer.order.events.nodes);
    after = answer.order.events.pageInfo.endCursor;
    if (!answer.order.events.pageInfo.hasNextPage) break;
  }
  return events;
}

function whyNotCanceled({ status, paymentInProgress }: Order): string | null {
  if (status !== 'PENDING' && status !== 'CONFIRMED') return `The order is ${words(status).toLowerCase()}.`;
  return paymentInProgress && status === 'CONFIRMED' ? 'A payment is under way.' : null;
}
