// Paying one order: choose a gateway where there is a choice, then go where the gateway's answer points.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatMoney, isPositive } from '../money.ts';
import { useAction } from './action.ts';
import { cancelPayment, loadOrder, startPayment } from './checkout.ts';
import { config } from './config.ts';
import type { Choice, OrderToPay, StartedPayment } from './contract.ts';
import { trackingPath } from './orders.ts';
import { payAtOnce } from './route.ts';
import { NextStep } from './next-step.tsx';
import { TestCards } from './test-cards.tsx';
import { Trouble } from './trouble.tsx';

const NAMES: Record<string, string> = {
  SANDBOX: 'Sandbox', STRIPE: 'Stripe', PAYPAL: 'PayPal', RAZORPAY: 'Razorpay', PAYTM: 'Paytm',
};
const METHODS: Record<string, string> = {
  CARD: 'card', UPI_INTENT: 'UPI app', UPI_QR: 'UPI code', NETBANKING: 'net banking', WALLET: 'wallet', PAYPAL: 'PayPal',
};

export function Pay({ token }: { token: string }) {
  const loaded = useSignal<Awaited<ReturnType<typeof loadOrder>> | undefined>(undefined);
  const loading = useAction(async () => {
    loaded.value = await loadOrder(token);
  });
  useEffect(loading.run, [token]);

  if (loading.problem !== null) return <Trouble text={loading.problem} retry={loading.run} />;
  if (loaded.value === undefined) return <p class="wait" role="status">Opening the order …</p>;
  if (loaded.value === null) return <p class="wait">This link opens no order. <a href="/">Back to the shelf</a></p>;
  return (
    <div class="till">
      <Summary order={loaded.value.order} />
      <Till order={loaded.value.order} choices={loaded.value.choices} token={token} />
    </div>
  );
}

function Summary({ order }: { order: OrderToPay }) {
  return (
    <section class="summary">
      <h1>Order <code>{order.number}</code></h1>
      <table>
        <tbody>
          {order.lines.map((line, place) => (
            <tr key={place}>
              <th scope="row">{line.quantity} × {line.name}</th>
              <td class="money">{formatMoney(line.total, config.locale)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr><th scope="row">Total</th><td class="money">{formatMoney(order.total, config.locale)}</td></tr>
        </tfoot>
      </table>
    </section>
  );
}

function Till({ order, choices, token }: { order: OrderToPay; choices: Choice[]; token: string }) {
  const started = useSignal<StartedPayment | null>(null);
  const chosen = useSignal(choices[0]?.gateway ?? '');
  const pay = useAction(async () => {
    if (started.value) await cancelPayment(started.value, token);
    started.value = null;
    started.value = await startPayment(order, chosen.value, token);
    follow(started.value, token);
  });
  useEffect(() => {
    if (payAtOnce.value && choices.length === 1 && isPayable(order)) pay.run();
    payAtOnce.value = false;
  }, []);

  if (!isPayable(order)) return <NothingToPay order={order} token={token} />;
  const switchTo = (gateway: string): void => {
    chosen.value = gateway;
    pay.run();
  };
  return (
    <section class="pay">
      {started.value
        ? <NextStep payment={started.value} token={token} sandbox={choices.some(({ gateway }) => gateway === 'SANDBOX')} switchTo={switchTo} />
        : <form onSubmit={(event) => { event.preventDefault(); pay.run(); }}>
            {choices.length > 1 && <Choices choices={choices} chosen={chosen.value} choose={(gateway) => { chosen.value = gateway; }} />}
            {choices.length === 0 && <Trouble text="No gateway takes this order's currency." />}
            <button class="button" disabled={pay.busy || choices.length === 0}>
              {pay.busy ? 'Asking the gateway …' : `Pay ${formatMoney(order.balance, config.locale)}`}
            </button>
          </form>}
      {pay.problem !== null && <Trouble text={pay.problem} retry={pay.run} />}
      <p><a href={trackingPath(token)}>Track this order</a></p>
      {config.testMode && <TestCards />}
    </section>
  );
}

function Choices({ choices, chosen, choose }: { choices: Choice[]; chosen: string; choose: (gateway: string) => void }) {
  return (
    <fieldset>
      <legend>Pay with</legend>
      {choices.map(({ gateway, methods }) => (
        <label class="choice" key={gateway}>
          <input type="radio" name="gateway" value={gateway} checked={gateway === chosen} onChange={() => choose(gateway)} />
          <span><b>{NAMES[gateway] ?? gateway}</b> {methods.map((method) => METHODS[method] ?? 'other').join(', ')}</span>
        </label>
      ))}
    </fieldset>
  );
}

function NothingToPay({ order, token }: { order: OrderToPay; token: string }) {
  return (
    <section class="pay">
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

/** Goes on by itself where no more is to be asked. */
function follow({ nextAction }: StartedPayment, token: string): void {
  if (nextAction === null) location.assign(trackingPath(token));
  else if (nextAction.__typename === 'RedirectAction') location.assign(webAddress(nextAction.url));
}

function webAddress(url: string): string {
  const { protocol, href } = new URL(url, location.href);
  if (protocol !== 'https:' && protocol !== 'http:') throw new Error('The gateway sent an address that is no web page.');
  return href;
}
