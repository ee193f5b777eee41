// What happens to the order while somebody pays it: the very events that the tracking page shows, never a timer.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Connection } from '../../client/src/link.ts';
import { type OrderEvent, type OrderUpdate, watchOrder } from '../../client/src/watch.ts';
import { config } from './config.ts';
import type { OrderToPay } from './contract.ts';

export interface Followed {
  events: readonly OrderEvent[];
  connection: Connection;
}

/** Follows the order from where it was loaded, for as long as the calling component is shown. */
export function useFollowing(order: OrderToPay, token: string, onUpdate: (update: OrderUpdate) => void): Followed {
  const events = useSignal<readonly OrderEvent[]>([]);
  const connection = useSignal<Connection>('connecting');
  useEffect(() => watchOrder({
    url: config.endpoint,
    orderId: order.id,
    token,
    after: order.events.nodes.at(-1)?.cursor,
    onConnection: (state) => { connection.value = state; },
    onUpdate: (update) => {
      events.value = [...events.value, ...update.events];
      onUpdate(update);
    },
  }), []);
  return { events: events.value, connection: connection.value };
}
