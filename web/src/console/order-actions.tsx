// What an operator does to an order and its payments: each asks first, and says what will happen.
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { nameOf } from '../gateways.ts';
import { act } from './api.ts';
import { Confirm } from './dialog.tsx';
import orderCancel from './order-cancel.graphql';
import { type Amount, capturable, digitsOf, isOpen, type Order, type Payment, refundable, typedAmount, withMinor } from './order-types.ts';
import { money } from './parts.tsx';
import paymentCapture from './payment-capture.graphql';
import paymentGiveUp from './payment-give-up.graphql';
import refundCreate from './refund-create.graphql';
import { say } from './toast.tsx';
import { count } from './words.ts';

const REASON_LENGTH_MAX = 500;

export type Wish = { kind: 'refund' | 'capture' | 'give-up'; payment: Payment } | { kind: 'cancel' };

/** The dialog of a wish. */
export function Asking({ wish, order, close, done }: { wish: Wish; order: Order; close: () => void; done: () => void }) {
  const props = { order, close, done };
  switch (wish.kind) {
    case 'refund': return <AskRefund {...props} payment={wish.payment} />;
    case 'capture': return <AskCapture {...props} payment={wish.payment} />;
    case 'give-up': return <AskGiveUp {...props} payment={wish.payment} />;
    case 'cancel': return <AskCancel {...props} />;
  }
}

interface Props {
  order: Order;
  close: () => void;
  done: () => void;
}

function AskRefund({ payment, close, done }: Props & { payment: Payment }) {
  const left = refundable(payment);
  const text = useSignal(left.amount);
  const reason = useSignal('');
  const { amount, fault } = bounded(text.value, left, 'can be given back');
  const refund = async (): Promise<void> => {
    const wanted = { amount: amount!.amount, currency: left.currency };
    const input = { paymentId: payment.id, amount: wanted, reason: reason.value.trim() || null };
    await act(refundCreate, JSON.stringify(['refund', input]), input);
    say(`A refund of ${money(amount!)} was asked for.`);
    done();
  };
  return (
    <Confirm title="Refund" close={close} can={amount !== null} act={refund} confirm={<>Refund {amount ? money(amount) : ''}</>}>
      <AmountField label="Amount" of={left} text={text.value} set={(value) => { text.value = value; }} fault={fault} />
      <Reason value={reason.value} set={(value) => { reason.value = value; }} />
      <Will>
        {amount && <li>{nameOf(payment.gateway)} is asked to send {money(amount)} back to the shopper, the way it came.</li>}
        {amount && amount.minorUnits < left.minorUnits && <li>{money(withMinor(left, left.minorUnits - amount.minorUnits))} of this payment stay, and can be refunded later.</li>}
        {amount && amount.minorUnits === left.minorUnits && <li>Nothing of this payment is left then.</li>}
        <li>The order stays as it is: its goods are still promised.</li>
        <li>It can't be taken back.</li>
      </Will>
    </Confirm>
  );
}

function AskCapture({ payment, close, done }: Props & { payment: Payment }) {
  const left = capturable(payment);
  const text = useSignal(left.amount);
  const { amount, fault } = bounded(text.value, left, 'is authorised');
  const capture = async (): Promise<void> => {
    const input = { paymentId: payment.id, amount: { amount: amount!.amount, currency: left.currency } };
    await act(paymentCapture, JSON.stringify(['capture', input]), input);
    say(`${money(amount!)} captured.`);
    done();
  };
  return (
    <Confirm title="Capture" close={close} can={amount !== null} act={capture} confirm={<>Capture {amount ? money(amount) : ''}</>}>
      <AmountField label="Amount" of={left} text={text.value} set={(value) => { text.value = value; }} fault={fault} />
      <Will>
        {amount && <li>{nameOf(payment.gateway)} takes {money(amount)} of what the shopper's bank has set aside.</li>}
        {amount && amount.minorUnits < left.minorUnits && <li>The other {money(withMinor(left, left.minorUnits - amount.minorUnits))} are released to the shopper: they can't be captured later.</li>}
      </Will>
    </Confirm>
  );
}

function AskGiveUp({ payment, close, done }: Props & { payment: Payment }) {
  const reason = useSignal('');
  const giveUp = async (): Promise<void> => {
    const input = { paymentId: payment.id, reason: reason.value.trim() || null };
    await act(paymentGiveUp, JSON.stringify(['give-up', input]), input);
    say('The payment was given up.');
    done();
  };
  return (
    <Confirm title="Give the payment up" tone="danger" close={close} can act={giveUp} confirm="Give it up">
      <Reason value={reason.value} set={(value) => { reason.value = value; }} />
      <Will>
        <li>{nameOf(payment.gateway)} is told that the {money(payment.amount)} are not wanted any more; what is set aside for it is released.</li>
        <li>The order stays, and can be paid in another way.</li>
        <li>Money that still comes goes by the order's rule for late payments.</li>
      </Will>
    </Confirm>
  );
}

function AskCancel({ order: shown, close, done }: Props) {
  const order = useRef(shown).current; // what was seen when the question was asked, however the order moves on
  const reason = useSignal('');
  const open = order.payments.filter(isOpen);
  const kept = withMinor(order.paid, order.paid.minorUnits - order.refunded.minorUnits);
  const cancel = async (): Promise<void> => {
    const input = { orderId: order.id, reason: reason.value.trim() || null, expectedVersion: order.version };
    await act(orderCancel, JSON.stringify(['cancel', input]), input);
    say(`Order ${order.number} is canceled.`);
    done();
  };
  return (
    <Confirm title={`Cancel order ${order.number}`} tone="danger" close={close} can act={cancel} confirm="Cancel the order">
      <Reason value={reason.value} set={(value) => { reason.value = value; }} />
      <Will>
        {open.length > 0 && <li>{count(open.length, 'open payment')} {open.length === 1 ? 'is' : 'are'} given up at the gateway first.</li>}
        {kept.minorUnits > 0 && <li>{money(kept)} that {kept.minorUnits === 1 ? 'was' : 'were'} paid {kept.minorUnits === 1 ? 'is' : 'are'} sent back to the shopper.</li>}
        <li>Nothing will be delivered, and the shopper's page says so at once.</li>
        <li>It is refused if the order has changed since this page showed it (version {order.version}).</li>
      </Will>
    </Confirm>
  );
}

function bounded(text: string, left: Amount, what: string): { amount: Amount | null; fault: string | null } {
  const typed = typedAmount(text, left);
  const digits = digitsOf(left);
  if (typed === null) {
    const example = digits === 0 ? '1234' : `1234.${'5'.padEnd(digits, '0')}`;
    return { amount: null, fault: `Write digits${digits ? `, and after a point at most ${count(digits, 'decimal')}` : ' without decimals'}: ${example}` };
  }
  if (typed.minorUnits === 0) return { amount: null, fault: 'More than nothing.' };
  if (typed.minorUnits > left.minorUnits) return { amount: null, fault: `At most ${money(left)} ${what}.` };
  return { amount: typed, fault: null };
}

function AmountField({ label, of, text, set, fault }: { label: string; of: Amount; text: string; set: (text: string) => void; fault: string | null }) {
  return (
    <div class="field">
      <label for="amount"><span>{label} <small>{of.currency}, up to {money(of)}</small></span></label>
      <input
        id="amount" class="money" inputMode="decimal" autoComplete="off" autoFocus maxLength={20} value={text}
        aria-invalid={fault !== null} aria-describedby="amount-fault"
        onInput={(event) => set(event.currentTarget.value)} onFocus={(event) => event.currentTarget.select()}
      />
      <p id="amount-fault" class="fault" aria-live="polite">{fault}</p>
    </div>
  );
}

function Reason({ value, set }: { value: string; set: (value: string) => void }) {
  return (
    <label class="field">
      <span>Reason <small>optional, kept with it</small></span>
      <input maxLength={REASON_LENGTH_MAX} autoComplete="off" value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
}

function Will({ children }: { children: ComponentChildren }) {
  return <><h3>What happens</h3><ul class="will">{children}</ul></>;
}
