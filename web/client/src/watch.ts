// One order, followed from now or from a cursor: every event once and in order, and the newest state with it.
import { TrackingError } from './errors.ts';
import { keepLinked, type Link } from './link.ts';
import type { OrderEventsSubscription, OrderNowQuery } from './operations.ts';
import orderEvents from './order-events.graphql';
import orderNow from './order-now.graphql';

export type OrderState = OrderEventsSubscription['orderEvents']['order'];
export type OrderEvent = Omit<OrderEventsSubscription['orderEvents'], 'order'>;
export type Money = OrderState['total'];

export interface OrderUpdate {
  /** The newest state that is known. */
  order: OrderState;
  /** What is new since the last update, oldest first: all so far in the first one, then one at a time. */
  events: readonly OrderEvent[];
  /** Give it as `after`, on any day and any machine, to go on from here. */
  cursor: string | null;
}

export interface Watched extends Omit<Link<never>, 'credentials' | 'operation' | 'onData'> {
  orderId: string;
  /** An order access token. */
  token: string;
  /** A cursor to go on from, with the events after it; without one the order's state and history come first. */
  after?: string | null | undefined;
  onUpdate(update: OrderUpdate): void;
}

/** @returns what ends it */
export function watchOrder({ orderId: id, token, after, onUpdate, ...link }: Watched): () => void {
  let cursor = after ?? null;
  let newest: OrderState | undefined;
  let seen = 0;

  const hear = (order: OrderState, events: readonly OrderEvent[]): void => {
    if (newest === undefined || order.version >= newest.version) newest = order;
    const last = events.at(-1);
    if (last) ({ version: seen, cursor } = last);
    onUpdate({ order: newest, events, cursor });
  };
  return keepLinked<OrderNowQuery | OrderEventsSubscription>({
    ...link,
    credentials: { orderAccessToken: token },
    operation: () => cursor === null
      ? { query: orderNow, variables: { id } }
      : { query: orderEvents, variables: { id, after: cursor } },
    onData(data) {
      if ('orderEvents' in data) {
        const { order, ...event } = data.orderEvents;
        if (event.version > seen) hear(order, [event]);
      } else if (data.order === null) throw new TrackingError('NOT_FOUND');
      else {
        const { events: { nodes }, ...order } = data.order;
        // Read a moment after the order, the history may be ahead of it; what is cut off comes again, live.
        hear(order, nodes.filter(({ version }) => version <= order.version));
      }
    },
  });
}
