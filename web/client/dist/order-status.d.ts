import type { TrackingError } from './errors.ts';
import type { Connection } from './link.ts';
import { type OrderEvent, type OrderState } from './watch.ts';
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
export declare function createUseOrderStatus({ useEffect, useState }: Hooks): UseOrderStatus;
export {};
