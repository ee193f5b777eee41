import { type OrderUpdate, type Watched } from './watch.ts';
export interface TrackOrderOptions extends Pick<Watched, 'url' | 'orderId' | 'token' | 'after' | 'onConnection' | 'WebSocket'> {
    /** Ends the iteration: it throws the signal's reason. */
    signal?: AbortSignal | undefined;
}
/**
 * Follow one order until you leave the loop: first where it stands, then every change as it is committed.
 *
 * Lost connections are made again, with back-off, and go on after the last event that came. A slow loop loses nothing:
 * what came meanwhile is one update with several events.
 *
 * @throws TrackingError when asking again would change nothing
 */
export declare function trackOrder({ signal, ...options }: TrackOrderOptions): AsyncGenerator<OrderUpdate, never, undefined>;
