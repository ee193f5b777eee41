// useOrderStatus for whichever library brings the hooks.
import type { TrackingError } from './errors.ts';
import type { Connection } from './link.ts';
import { explainOrigins } from './origins.ts';
import { type OrderEvent, type OrderState, watchOrder } from './watch.ts';

export interface UseOrderStatusOptions {
  /** The GraphQL endpoint. */
  url: string;
  orderId: string;
  token: string;
}

export interface OrderStatus {
  /** Null until the server has answered for the first time. */
  order: OrderState | null;
  /** What happened so far, oldest first. */
  events: readonly OrderEvent[];
  connection: Connection;
  /** Set when it has ended: asking again would change nothing. */
  error: TrackingError | null;
}

export type UseOrderStatus = (options: UseOrderStatusOptions | null) => OrderStatus;

interface Hooks {
  useEffect(effect: () => (() => void) | undefined, inputs: readonly unknown[]): void;
  useState<State>(initial: State): [State, (next: (before: State) => State) => void];
}

const UNKNOWN: OrderStatus = { order: null, events: [], connection: 'connecting', error: null };

export function createUseOrderStatus({ useEffect, useState }: Hooks): UseOrderStatus {
  return function useOrderStatus(options) {
    const [status, setStatus] = useState(UNKNOWN);
    const { url, orderId, token } = options ?? {};
    useEffect(() => {
      setStatus(() => UNKNOWN);
      if (!url || !orderId || !token) return undefined;
      return watchOrder({
        url, orderId, token,
        onTurnedDown: explainOrigins,
        onConnection: (connection) => setStatus((before) => ({ ...before, connection })),
        onError: (error) => setStatus((before) => ({ ...before, error })),
        onUpdate: ({ order, events }) => setStatus((before) => ({
          ...before, order, events: [...before.events, ...events],
        })),
      });
    }, [url, orderId, token]);
    return status;
  };
}
