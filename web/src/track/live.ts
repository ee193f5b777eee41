// Keeps one subscription alive for as long as the page is open, and says how it stands.
//
// The library reconnects dropped sockets; this adds what it leaves out: resuming after the last cursor,
// coming back after fatal closes and completed streams, finding dead sockets, and not waiting out a
// back-off when the reader returns or the network does.
import { type Client, createClient } from 'graphql-ws';
import type { Connection, OrderEvent } from './state.ts';
import orderEvents from './order-events.graphql';

const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 5_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 20_000;
const HIDDEN_LONG_MS = 30_000;
const FORBIDDEN = 4403;

export interface Watched {
  endpoint: string;
  orderId: string;
  token: string;
  cursor: string | null;
  onEvent(event: OrderEvent): void;
  onConnection(state: Connection): void;
}

/** @returns what ends it */
export function watch(watched: Watched): () => void {
  let cursor = watched.cursor;
  let failures = 0;
  let ended = false;
  const tell = (state: Connection): void => {
    if (!ended) watched.onConnection(state); // the socket's own close comes after the end
    ended ||= state === 'ended';
  };
  const wake = createWakeUp();
  const client = createSocket({ ...watched, onConnection: tell }, wake.sleep);
  wake.onWake = () => client.terminate();

  const payload = {
    query: orderEvents,
    // Read anew each time the library subscribes again: resume where we are, not where we began.
    variables: { id: watched.orderId, get after() { return cursor; } },
  };
  const subscribe = (): void => {
    client.subscribe<{ orderEvents: OrderEvent }>(payload, {
      next: ({ data }) => {
        if (!data) return;
        failures = 0;
        cursor = data.orderEvents.cursor;
        watched.onEvent(data.orderEvents);
      },
      error: (error) => (isEnd(error) ? tell('ended') : void again()),
      complete: again,
    });
  };
  const again = async (): Promise<void> => {
    if (ended) return;
    tell('reconnecting');
    await wake.sleep(failures++);
    subscribe();
  };
  subscribe();
  return () => {
    ended = true;
    void client.dispose();
  };
}

function createSocket({ endpoint, token, onConnection }: Watched, sleep: (failures: number) => Promise<void>): Client {
  let pongDeadline: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: new URL(endpoint, location.href).href.replace(/^http/, 'ws'),
    connectionParams: { orderAccessToken: token },
    keepAlive: PING_EVERY_MS,
    retryAttempts: Infinity,
    retryWait: sleep,
    shouldRetry: (error) => !isEnd(error),
    on: {
      connecting: (isRetry) => onConnection(isRetry ? 'reconnecting' : 'connecting'),
      connected: () => onConnection('live'),
      closed: () => {
        clearTimeout(pongDeadline);
        onConnection('reconnecting');
      },
      ping: (received) => {
        // A socket that died without a word: waiting for TCP to notice can take a quarter of an hour.
        if (!received) pongDeadline = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pongDeadline);
      },
    },
  });
  return client;
}

/** Sleeping that ends early when the reader or the network comes back. */
function createWakeUp() {
  let wakeUp = (): void => {};
  let hiddenSince = 0;
  const alarm = {
    onWake: (): void => {},
    sleep: (failures: number): Promise<void> => new Promise((resolve) => {
      const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
      const timer = setTimeout(resolve, ceiling * Math.random()); // spread, or all readers come back at once
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    }),
  };
  const wake = (): void => {
    alarm.onWake();
    wakeUp();
  };
  addEventListener('online', wake);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) hiddenSince = Date.now();
    else if (Date.now() - hiddenSince > HIDDEN_LONG_MS) wake();
    else wakeUp();
  });
  return alarm;
}

/** The token doesn't open the order any more: asking again won't change that. */
function isEnd(error: unknown): boolean {
  if (Array.isArray(error)) {
    return error.some(({ extensions }) => /NOT_FOUND|FORBIDDEN|UNAUTHENTICATED/.test(String(extensions?.code)));
  }
  return (error as { code?: number } | null)?.code === FORBIDDEN;
}
