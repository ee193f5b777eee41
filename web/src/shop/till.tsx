// The till of one order: choose a way, follow the gateway's answer, watch what comes of it.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { OrderState } from '../../client/src/watch.ts';
import { formatMoney, isPositive } from '../money.ts';
import { useAction } from './action.ts';
import { cancelPayment, startPayment } from './checkout.ts';
import { config } from './config.ts';
import type { Choice, OpenPayment, OrderToPay } from './contract.ts';
import { useFollowing } from './follow.ts';
import { NextStep, waitingFor } from './next-step.tsx';
import { trackingPath } from './orders.ts';
import { Progress } from './progress.tsx';
import { payAtOnce } from './route.ts';
import { TestCards } from './test-cards.tsx';
import { Trouble } from './trouble.tsx';
import { isPhone, upiWay, type Way, waysOf } from './ways.ts';
import { WaysList } from './ways-list.tsx';

const FAILED = /^PAYMENT_(FAILED|CANCELED|EXPIRED)$/;
const TO_GO_ON = /^REQUIRES_(ACTION|PAYMENT_METHOD)$/;

interface Props {
  order: OrderToPay;
  choices: Choice[];
  token: string;
  reload(): void;
}

export function Till({ order, choices, token, reload }: Props) {
  const onPhone = useSignal(isPhone()).value; // asked once: what is chosen must not change under the shopper's hand
  const ways = waysOf(choices, onPhone);
  const chosen = useSignal(ways[0]?.id ?? '');
  const started = useSignal<OpenPayment | null>(null);
  const refused = useSignal<string | null>(null);
  const givenUp = useRef(new Set<string>()).current;
  useEffect(() => { started.value = resumable(order); }, [order]);
  const followed = useFollowing(order, token, ({ order: now, events }) => {
    if (isSettled(now)) leaveFor(trackingPath(token));
    const isShown = (id: string | null): boolean => started.value === null || started.value.id === id;
    const failed = events.find(({ type, paymentId: id }) => FAILED.test(type) && isShown(id) && !givenUp.has(id!));
    if (!failed) return;
    refused.value = failed.message ?? 'That payment did not go through. You have not paid yet.';
    reload();
  });
  const giveUp = async (payment: OpenPayment): Promise<void> => {
    givenUp.add(payment.id); // first, for the event may be here before the answer
    try {
      await cancelPayment(payment, token);
    } catch (error) {
      givenUp.delete(payment.id);
      reload(); // it may have come to another end meanwhile
      throw error;
    }
  };
  const open = async (way: Way): Promise<void> => {
    refused.value = null;
    if (started.value) await giveUp(started.value);
    started.value = null;
    started.value = await startPayment(order, way, token);
    follow(started.value, token);
  };
  const pay = useAction(() => open(ways.find(({ id }) => id === chosen.value)!));
  const code = useAction(() => open(upiWay(started.value!.gateway, 'UPI_QR')));
  const leave = useAction(async () => {
    await giveUp(started.value!);
    reload();
  });
  useEffect(() => {
    if (payAtOnce.value && ways.length === 1 && isPayable(order)) pay.run();
    payAtOnce.value = false;
  }, []);

  const payment = started.value;
  if (payment === null && !isPayable(order)) return <NothingToPay order={order} token={token} />;
  const label = refused.value === null ? 'Pay' : 'Pay again:';
  return (
    <section class="pay" aria-label="Payment">
      {refused.value !== null && <Trouble text={refused.value} />}
      {payment
        ? <>
            <NextStep payment={payment} token={token} showCode={hasCode(choices, payment) ? code.run : null} />
            <Progress followed={followed} waiting={waitingFor(payment)} />
            <p><button type="button" class="as-link" disabled={leave.busy} onClick={leave.run}>Pay another way</button></p>
          </>
        : <form onSubmit={(event) => { event.preventDefault(); pay.run(); }}>
            {ways.length > 1 && <WaysList ways={ways} chosen={chosen.value} choose={(id) => { chosen.value = id; }} />}
            {ways.length === 0 && <Trouble text="No gateway takes this order's currency." />}
            <button class="button wide" disabled={pay.busy || ways.length === 0}>
              {pay.busy ? 'Asking the gateway …' : `${label} ${formatMoney(order.balance, config.locale)}`}
            </button>
          </form>}
      {[pay, code, leave].map(({ problem, run }, place) => problem !== null && <Trouble key={place} text={problem} retry={run} />)}
      <p><a href={trackingPath(token)}>Track this order</a></p>
      {config.testMode && showsCards(payment, ways, chosen.value) && <TestCards />}
    </section>
  );
}

function NothingToPay({ order, token }: { order: OrderToPay; token: string }) {
  return (
    <section class="pay" aria-label="Payment">
      <p>{order.paymentInProgress
        ? 'A payment for this order is on its way. Please do not pay again.'
        : 'There is nothing to pay on this order.'}</p>
      <p><a class="button" href={trackingPath(token)}>Track this order</a></p>
    </section>
  );
}

function isPayable(order: OrderToPay): boolean {
  return order.status === 'PENDING' && isPositive(order.balance) && !order.paymentInProgress;
}

/** An open payment that goes on here: after a reload, it is shown again instead of opening another beside it. */
function resumable(order: OrderToPay): OpenPayment | null {
  if (order.status !== 'PENDING') return null;
  const here = order.payments.filter(({ status, nextAction }) =>
    TO_GO_ON.test(status) && nextAction !== null && nextAction.__typename !== 'RedirectAction');
  return here.sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0] ?? null;
}

function isSettled({ status, balance }: OrderState): boolean {
  return status !== 'PENDING' || !isPositive(balance);
}

function hasCode(choices: readonly Choice[], { gateway }: OpenPayment): boolean {
  return choices.some((choice) => choice.gateway === gateway && choice.methods.includes('UPI_QR'));
}

/** The sandbox's form is the one where a card's number is typed. */
function showsCards(payment: OpenPayment | null, ways: readonly Way[], chosen: string): boolean {
  return payment === null && ways.some(({ id, gateway }) => id === chosen && gateway === 'SANDBOX');
}

/** Goes on by itself where no more is to be asked. */
function follow({ nextAction }: OpenPayment, token: string): void {
  if (nextAction === null) leaveFor(trackingPath(token));
  else if (nextAction.__typename === 'RedirectAction') leaveFor(webAddress(nextAction.url));
}

let isLeaving = false;
addEventListener('pageshow', () => { isLeaving = false; }); // whoever goes back finds the page as it was

/** Goes to another page, once: the next event would break off a page that is on its way, and load it again. */
function leaveFor(address: string): void {
  if (isLeaving) return;
  isLeaving = true;
  location.assign(address);
}

function webAddress(url: string): string {
  const { protocol, href } = new URL(url, location.href);
  if (protocol !== 'https:' && protocol !== 'http:') throw new Error('The gateway sent an address that is no web page.');
  return href;
}
