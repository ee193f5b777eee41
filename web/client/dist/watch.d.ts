import { type Link } from './link.ts';
import type { OrderEventsSubscription } from './operations.ts';
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
export declare function watchOrder({ orderId: id, token, after, onUpdate, ...link }: Watched): () => void;
