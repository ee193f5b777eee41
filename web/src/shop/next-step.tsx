// What the shopper does next, once a payment is open at a gateway.
import type { ComponentChildren } from 'preact';
import { nameOf } from '../gateways.ts';
import { config } from './config.ts';
import type { NextAction, OpenPayment } from './contract.ts';
import { trackingPath } from './orders.ts';
import { simulatorPage } from './simulator.ts';
import { isPhone } from './ways.ts';

interface Props {
  payment: OpenPayment;
  token: string;
  /** Whether UPI may be had as a code instead; null where the gateway has none. */
  showCode: (() => void) | null;
}

/** What the page says it waits for. */
export function waitingFor({ nextAction }: OpenPayment): string {
  switch (nextAction?.__typename) {
    case 'QrCodeAction': return 'Waiting for your phone';
    case 'UpiIntentAction': return 'Waiting for your UPI app';
    case 'ClientSdkAction': return 'Waiting for your details';
    default: return 'Waiting for the gateway';
  }
}

export function NextStep({ payment, token, showCode }: Props) {
  const action = payment.nextAction;
  switch (action?.__typename) {
    case 'QrCodeAction': return <Code action={action} payment={payment} token={token} />;
    case 'UpiIntentAction': return <AppLink action={action} payment={payment} token={token} showCode={showCode} />;
    case 'ClientSdkAction': return <OwnForm action={action} payment={payment} token={token} />;
    default: return <p role="status">Going to the gateway's page …</p>;
  }
}

type Step<Name extends NextAction['__typename']> = Omit<Props, 'showCode'> & { action: Extract<NextAction, { __typename: Name }> };

function Code({ action, payment, token }: Step<'QrCodeAction'>) {
  return (
    <>
      <h2>Scan with any UPI app</h2>
      <img class="qr" alt="UPI payment code" width="256" height="256" src={`data:image/svg+xml,${encodeURIComponent(action.imageSvg)}`} />
      {action.expiresAt !== null && <p class="fine">Good until {clock(action.expiresAt)}.</p>}
      {isUpi(action.payload) && <p><a href={action.payload}>On your phone already? Open this code in a UPI app</a></p>}
      <PlayedPhone href={simulatorPage(payment, 'upi', isPhone() ? trackingPath(token) : null)} />
    </>
  );
}

function AppLink({ action, payment, token, showCode }: Step<'UpiIntentAction'> & Pick<Props, 'showCode'>) {
  return (
    <>
      <h2>Pay in your UPI app</h2>
      {isUpi(action.uri) && <p><a class="button wide" href={action.uri}>Open your UPI app</a></p>}
      <p class="fine">
        Your phone offers those it has: Google Pay, PhonePe, Paytm, BHIM or your bank's. Where it opens the wrong one,
        show a code and scan that with the right one. Come back here afterwards.
      </p>
      {showCode && <p><button type="button" class="as-link" onClick={showCode}>Pay with another phone: show a code</button></p>}
      <PlayedPhone href={simulatorPage(payment, 'upi', trackingPath(token))} />
    </>
  );
}

function OwnForm({ action, payment, token }: Step<'ClientSdkAction'>) {
  const page = simulatorPage(payment, 'card', trackingPath(token));
  return (
    <>
      <h2>{nameOf(payment.gateway)}'s own form stands here</h2>
      <p>
        In your shop, its script draws it from what the server has just answered. This page loads nothing from
        elsewhere{page !== null && ', so the simulator has a page for it'}.
      </p>
      {page !== null && <p><a class="button wide" href={page}>Go on in the simulator</a></p>}
      <details class="parameters">
        <summary>What your page gets for <code>{action.sdk}</code></summary>
        <pre tabIndex={0}>{JSON.stringify(action.parameters, null, 2)}</pre>
      </details>
    </>
  );
}

function PlayedPhone({ href }: { href: string | null }): ComponentChildren {
  if (href === null || !config.testMode) return null;
  const opened = isPhone() ? {} : { target: '_blank', rel: 'noopener' };
  return <p class="played">No such app at hand? <a href={href} {...opened}>Play the phone in the simulator</a></p>;
}

function isUpi(address: string): boolean {
  return /^upi:\/\//i.test(address);
}

function clock(iso: string): string {
  return new Intl.DateTimeFormat(config.locale, { timeStyle: 'short' }).format(new Date(iso));
}
