// What happens to the order while somebody pays it: the very events that the tracking page shows, never a timer.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { watch } from '../track/live.ts';
import type { Connection, OrderEvent } from '../track/state.ts';
import { config } from './config.ts';
import type { OrderToPay } from './contract.ts';

export interface Followed {
  events: readonly OrderEvent[];
  connection: Connection;
}

/** Follows the order from where it was loaded, for as long as the calling component is shown. */
export function useFollowing(order: OrderToPay, token: string, onEvent: (event: OrderEvent) => void): Followed {
  const events = useSignal<readonly OrderEvent[]>([]);
  const connection = useSignal<Connection>('connecting');
  useEffect(() => watch({
    endpoint: config.endpoint,
    orderId: order.id,
    token,
    cursor: order.events.nodes.at(-1)?.cursor ?? null,
    onConnection: (state) => { connection.value = state; },
    onEvent: (event) => {
      events.value = [...events.value, event];
      onEvent(event);
    },
  }), []);
  return { events: events.value, connection: connection.value };
}
