// An order's updates as an async iterator.
import type { TrackingError } from './errors.ts';
import { explainOrigins } from './origins.ts';
import { type OrderUpdate, type Watched, watchOrder } from './watch.ts';

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
export async function* trackOrder({ signal, ...options }: TrackOrderOptions): AsyncGenerator<OrderUpdate, never, undefined> {
  let waiting: OrderUpdate | undefined;
  let failure: TrackingError | undefined;
  let wake = (): void => {};
  const wakeUp = (): void => wake();

  signal?.throwIfAborted();
  signal?.addEventListener('abort', wakeUp);
  const stop = watchOrder({
    ...options,
    onTurnedDown: explainOrigins,
    onUpdate(update) {
      waiting = { ...update, events: [...waiting?.events ?? [], ...update.events] };
      wake();
    },
    onError(error) {
      failure = error;
      wake();
    },
  });
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (waiting) {
        const update: OrderUpdate = waiting;
        waiting = undefined;
        yield update;
      } else if (failure) throw failure;
      else await new Promise<void>((resolve) => { wake = resolve; });
    }
  } finally {
    signal?.removeEventListener('abort', wakeUp);
    stop();
  }
}
