// graphql-transport-ws with one operation at a time, kept going over whatever happens to the network.
//
// The official client, graphql-ws, has several operations on a socket and leaves to its users what a page on a phone
// needs most: finding sockets that died without a word, and not waiting out a back-off when the reader or the network
// comes back. With that added it was three times this size.
// Source of the protocol: github.com/enisdenjo/graphql-ws, PROTOCOL.md, 2026-11.
import { TrackingError } from './errors.ts';

const PROTOCOL = 'graphql-transport-ws';
const ACKNOWLEDGED_WITHIN_MS = 10_000;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 5_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 20_000;
const HIDDEN_LONG_MS = 30_000;

/** Closes that say that coming again would change nothing. */
const CLOSES: Readonly<Record<number, TrackingError['code']>> = {
  4400: 'REFUSED', 4401: 'UNAUTHENTICATED', 4403: 'UNAUTHENTICATED', 4406: 'REFUSED',
};
const PASSING = /^(UNAVAILABLE|INTERNAL|RATE_LIMITED)$/;

/** `reconnecting` waits and tries by itself; after `ended` nothing comes any more. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'ended';

export interface Operation {
  query: string;
  variables: object;
}

export interface Link<Data> {
  /** The GraphQL endpoint; in a browser it may be a path of the page's own server. */
  url: string;
  /** What says who asks: the payload of `connection_init`. */
  credentials: Readonly<Record<string, string>>;
  /** Where the platform has none of its own, e.g. that of the package `ws`. */
  WebSocket?: typeof WebSocket | undefined;
  /** What to run now: asked when the socket is ready, and again when one operation is through. */
  operation(): Operation;
  /** @throws TrackingError to end it */
  onData(data: Data): void;
  onConnection?: ((state: Connection) => void) | undefined;
  onError?: ((error: TrackingError) => void) | undefined;
  /** The very first socket was turned down before it opened. */
  onTurnedDown?: ((url: string) => void) | undefined;
}

interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}
interface GraphQLError {
  message: string;
  extensions?: { code?: string };
}

/** @returns what ends it */
export function keepLinked<Data>(link: Link<Data>): () => void {
  const url = new URL(link.url, globalThis.location?.href).href.replace(/^http/, 'ws');
  const Socket = link.WebSocket ?? WebSocket;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let state: Connection | undefined;
  let failures = 0;
  let isFirst = true;

  const after = (ms: number, act: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };
  const tell = (now: Connection): void => {
    if (state !== now) link.onConnection?.(state = now);
  };
  const drop = (): void => {
    const old = socket;
    socket = undefined; // from here on it isn't listened to: a dead one takes minutes to say that it is closed
    old?.close();
  };
  const stop = (): void => {
    state = 'ended';
    clearTimeout(timer);
    unwatch();
    drop();
  };
  const end = (error: TrackingError): void => {
    if (state === 'ended') return;
    stop();
    link.onConnection?.('ended');
    link.onError?.(error);
  };
  const again = (): void => {
    drop();
    tell('reconnecting');
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures++);
    after(ceiling * Math.random(), connect); // spread, or all readers come back at once
  };
  const refuse = (errors: readonly GraphQLError[] = []): void => {
    const { message, extensions: { code = '' } = {} }: Partial<GraphQLError> = errors[0] ?? {};
    if (PASSING.test(code)) again();
    else end(new TrackingError(code === 'NOT_FOUND' || code === 'UNAUTHENTICATED' ? code : 'REFUSED', message));
  };

  const connect = (): void => {
    const mine = socket = new Socket(url, PROTOCOL);
    let running: Operation | undefined;
    let id = 0;
    const send = (message: Message): void => mine.send(JSON.stringify(message));
    const run = (): void => {
      running = link.operation();
      send({ id: `${++id}`, type: 'subscribe', payload: running });
    };
    const ping = (): void => {
      failures = 0; // it has held for a while
      send({ type: 'ping' });
      after(PONG_WITHIN_MS, again); // waiting for TCP to notice can take a quarter of an hour
    };
    tell(state ? 'reconnecting' : 'connecting');
    after(ACKNOWLEDGED_WITHIN_MS, again);
    mine.onopen = () => {
      isFirst = false;
      send({ type: 'connection_init', payload: link.credentials });
    };
    mine.onclose = ({ code }) => {
      if (mine !== socket) return;
      if (isFirst) link.onTurnedDown?.(url);
      isFirst = false;
      const reason = CLOSES[code];
      if (reason) end(new TrackingError(reason, `Closed with ${code}`));
      else again();
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      const message = JSON.parse(data as string) as Message;
      const isOfRunning = message.id === `${id}`;
      after(PING_EVERY_MS, ping);
      if (message.type === 'connection_ack') {
        run();
        tell('live');
      } else if (message.type === 'ping') send({ type: 'pong' });
      else if (message.type === 'next' && isOfRunning) {
        const { data: content, errors } = message.payload as { data?: Data; errors?: GraphQLError[] };
        if (!content) return refuse(errors);
        failures = 0;
        try {
          link.onData(content);
        } catch (error) {
          if (!(error instanceof TrackingError)) throw error;
          end(error);
        }
      } else if (message.type === 'error' && isOfRunning) refuse(message.payload as GraphQLError[]);
      else if (message.type === 'complete' && isOfRunning) {
        // A query is followed by what comes next. A stream that ends is the server's way to send its readers on.
        if (link.operation().query === running?.query) again();
        else run();
      }
    };
  };

  const unwatch = onWake((slept) => {
    if (socket && slept) drop();
    if (socket) return;
    tell('reconnecting');
    connect();
  });
  connect();
  return stop;
}

/** Calls back when the reader or the network comes back; `slept` where an open socket can't be trusted any more. */
function onWake(call: (slept: boolean) => void): () => void {
  if (typeof document === 'undefined') return () => {};
  let hiddenSince = Date.now();
  const online = (): void => call(true);
  const visible = (): void => {
    if (document.hidden) hiddenSince = Date.now();
    else call(Date.now() - hiddenSince > HIDDEN_LONG_MS);
  };
  addEventListener('online', online);
  document.addEventListener('visibilitychange', visible);
  return () => {
    removeEventListener('online', online);
    document.removeEventListener('visibilitychange', visible);
  };
}
