// What has happened since this page was opened, in the words of the tracking page, and what is waited for.
import { CONNECTION, eventWords } from '../track/state.ts';
import type { Followed } from './follow.ts';

export function Progress({ followed: { events, connection }, waiting }: { followed: Followed; waiting: string }) {
  const happened = events.filter(({ type }) => type.startsWith('PAYMENT_') || type === 'ORDER_CONFIRMED');
  return (
    <div class="progress" role="status">
      <ol aria-label="Progress of the payment">
        {happened.map(({ version, type, message }) => (
          <li key={version} data-done>{eventWords(type)}{message !== null && <small>{message}</small>}</li>
        ))}
        <li aria-current="step">{waiting}</li>
      </ol>
      {connection === 'reconnecting' && <p class="lost">{CONNECTION.reconnecting}</p>}
    </div>
  );
}
