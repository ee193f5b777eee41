// Every order's events while somebody is signed in: one stream for all pages, resumed by its cursor after a cut.
import { effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Connection, keepLinked } from '../../client/src/link.ts';
import type { Money } from '../money.ts';
import allOrderEvents from './all-order-events.graphql';
import { ask } from './api.ts';
import { config } from './config.ts';
import { Problem } from './problem.ts';
import recentEvents from './recent-events.graphql';
import { KEY_ENDED, may, session, signOut } from './session.ts';

const KEPT_MAX = 500;
/** A busy shop has hundreds of events in a second; the page is drawn for all of them at once, some times in one. */
const DRAW_EVERY_MS = 200;
const CALL_EVERY_MS = 1_000;

export interface OrderEvent {
  orderId: string;
  version: number;
  type: string;
  source: string;
  message: string | null;
  paymentId: string | null;
  occurredAt: string;
  amount: Money | null;
}
export interface FeedEvent extends OrderEvent {
  number: string;
  gateway: string | null;
}
interface OrderOfEvent {
  number: string;
  payments: { id: string; gateway: string }[];
}
type Told = OrderEvent & { cursor: string; order: OrderOfEvent };

/** Newest first. */
export const feed = signal<readonly FeedEvent[]>([]);
export const connection = signal<Connection>('connecting');
/** Whether what happened before this page was opened has been read. */
export const historyRead = signal(false);

const listeners = new Set<(told: readonly FeedEvent[]) => void>();
let waiting: FeedEvent[] = [];
let drawing: ReturnType<typeof setTimeout> | undefined;

/** Calls back when something has happened that is of concern, at once and then at most once a second. */
export function useEvents(concern: (event: FeedEvent) => boolean, call: () => void): void {
  const latest = useRef({ concern, call });
  latest.current = { concern, call };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let calledAt = -Infinity;
    const now = (): void => {
      timer = undefined;
      calledAt = performance.now();
      latest.current.call();
    };
    const listen = (told: readonly FeedEvent[]): void => {
      if (told.some(latest.current.concern)) timer ??= setTimeout(now, Math.max(0, calledAt + CALL_EVERY_MS - performance.now()));
    };
    listeners.add(listen);
    return () => {
      listeners.delete(listen);
      clearTimeout(timer);
    };
  }, []);
}

/** Follows the session: begins with one that may see orders, ends with it. */
export function installFeed(): void {
  effect(() => {
    const key = session.value?.key;
    if (key === undefined || !may('orders:read')) return undefined;
    let after: string | null = null;
    const stop = keepLinked<{ allOrderEvents: Told }>({
      url: config.endpoint,
      credentials: { authorization: `Bearer ${key}` },
      operation: () => ({ query: allOrderEvents, variables: { after } }),
      onData: ({ allOrderEvents: { cursor, order, ...event } }) => {
        after = cursor;
        take(withOrder(event, order));
      },
      onConnection: (state) => {
        connection.value = state;
        // Without a cursor yet, what fell into the cut is found in the orders that changed last.
        if (state === 'live' && after === null) void readHistory();
      },
      onError: ({ code, message }) => signOut(code === 'UNAUTHENTICATED' ? new Problem(code, KEY_ENDED) : new Problem(code, message)),
    });
    return () => {
      stop();
      clearTimeout(drawing);
      drawing = undefined;
      waiting = [];
      feed.value = [];
      historyRead.value = false;
      connection.value = 'connecting';
    };
  });
}

function take(event: FeedEvent): void {
  waiting.push(event);
  drawing ??= setTimeout(draw, DRAW_EVERY_MS);
}

function draw(): void {
  drawing = undefined;
  const told = waiting;
  waiting = [];
  merge(told);
  for (const listen of listeners) listen(told);
}

async function readHistory(): Promise<void> {
  try {
    const { orders } = await ask<{
      orders: { nodes: (OrderOfEvent & { events: { nodes: OrderEvent[] } })[] };
    }>(recentEvents);
    merge(orders.nodes.flatMap((order) => order.events.nodes.map((event) => withOrder(event, order))));
  } catch {
    // The stream says by itself how it stands; what is missing is what came before it.
  }
  historyRead.value = true;
}

function merge(told: readonly FeedEvent[]): void {
  const known = new Map([...feed.value, ...told].map((event) => [`${event.orderId}:${event.version}`, event]));
  feed.value = [...known.values()].sort(byTime).slice(0, KEPT_MAX);
}

function byTime(a: FeedEvent, b: FeedEvent): number {
  return b.occurredAt.localeCompare(a.occurredAt) || b.version - a.version;
}

function withOrder(event: OrderEvent, { number, payments }: OrderOfEvent): FeedEvent {
  return { ...event, number, gateway: payments.find(({ id }) => id === event.paymentId)?.gateway ?? null };
}
