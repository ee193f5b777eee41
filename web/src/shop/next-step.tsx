// What the shopper does next where it is not simply a page to go to.
import type { StartedPayment } from './contract.ts';
import { trackingPath } from './orders.ts';

interface Props {
  payment: StartedPayment;
  token: string;
  /** Whether the sandbox may be offered instead. */
  sandbox: boolean;
  switchTo(gateway: string): void;
}

export function NextStep({ payment, token, sandbox, switchTo }: Props) {
  const action = payment.nextAction;
  switch (action?.__typename) {
    case 'QrCodeAction':
      return (
        <>
          <p>Scan this with a UPI app. The tracking page says so when it arrives.</p>
          <img class="qr" alt="UPI payment code" src={`data:image/svg+xml,${encodeURIComponent(action.imageSvg)}`} />
          <p><a class="button" href={trackingPath(token)}>I have paid</a></p>
        </>
      );
    case 'UpiIntentAction':
      return (
        <>
          <p>Your UPI app opens with the amount filled in.</p>
          <p><a class="button" href={/^upi:/i.test(action.uri) ? action.uri : trackingPath(token)}>Open the UPI app</a></p>
        </>
      );
    case 'ClientSdkAction':
      return (
        <>
          <h2>Here the gateway's own form would stand</h2>
          <p>
            The payment is started. Its card form comes from <b>{action.sdk}</b>, a script that the gateway serves itself
            and that belongs into your shop's page; this demonstration loads nothing from elsewhere.
          </p>
          {sandbox && <p><button type="button" class="button" onClick={() => switchTo('SANDBOX')}>Pay in the sandbox instead</button></p>}
        </>
      );
    default:
      return <p role="status">Going to the gateway's page …</p>;
  }
}
