// What is measured, looked at again and again while somebody is signed in: for the charts and for the marks in the menu.
import { effect, signal } from '@preact/signals';
import { ask } from './api.ts';
import figuresQuery from './figures.graphql';
import { every } from './load.ts';
import { type Problem, problemOf } from './problem.ts';
import { may, session } from './session.ts';
import { ago } from './times.ts';
import waitingQuery from './waiting.graphql';

const EVERY_MS = 10_000;
const SAMPLES_MAX = 360;
export const STUCK_SECONDS = 15 * 60;

export interface Activity {
  startsAt: string;
  gateway: string;
  opened: number;
  succeeded: number;
  failed: number;
}
export interface Statistics {
  received: number;
  applied: number;
  succeeded: number;
  failed: number;
  pendingOldestSeconds: number | null;
  unmatched: number;
  suspenseOpen: number;
  pushLatencyP50: number | null;
  pushLatencyP99: number | null;
}
export interface PushSample {
  at: number;
  p50: number | null;
  p99: number | null;
}
interface Several {
  nodes: unknown[];
  pageInfo: { hasNextPage: boolean };
}
type Waiting = Partial<Record<'payments' | 'inboxEvents' | 'suspenseItems', Several>>;

export const hour = signal<Statistics | null>(null);
export const activity = signal<readonly Activity[]>([]);
/** What was measured since this page was opened, oldest first. */
export const pushes = signal<readonly PushSample[]>([]);
export const figuresProblem = signal<Problem | null>(null);
/** How much waits for people, by page; absent where the key may not see it. */
export const waiting = signal<{ stuck?: string; inbox?: string; suspense?: string }>({});

export function installFigures(): void {
  effect(() => {
    if (session.value === null) return undefined;
    void look();
    const stop = every(EVERY_MS, () => void look());
    return () => {
      stop();
      hour.value = null;
      activity.value = [];
      pushes.value = [];
      waiting.value = {};
      figuresProblem.value = null;
    };
  });
}

export async function look(): Promise<void> {
  await Promise.all([measure(), countWaiting()]);
}

async function measure(): Promise<void> {
  if (!may('books:read')) return;
  try {
    const found = await ask<{ hour: Statistics; minute: Statistics; paymentActivity: Activity[] }>(
      figuresQuery, { hour: ago(3_600), minute: ago(60) },
    );
    hour.value = found.hour;
    activity.value = found.paymentActivity;
    const sample = { at: Date.now() / 1000, p50: found.minute.pushLatencyP50, p99: found.minute.pushLatencyP99 };
    pushes.value = [...pushes.value, sample].slice(-SAMPLES_MAX);
    figuresProblem.value = null;
  } catch (error) {
    figuresProblem.value = problemOf(error);
  }
}

async function countWaiting(): Promise<void> {
  const mine = { orders: may('orders:read'), inbox: may('inbox'), suspense: may('suspense') };
  if (!Object.values(mine).some(Boolean)) return;
  try {
    const found = await ask<Waiting>(waitingQuery, { ...mine, stuckBefore: ago(STUCK_SECONDS) });
    waiting.value = {
      ...(found.payments && { stuck: size(found.payments) }),
      ...(found.inboxEvents && { inbox: size(found.inboxEvents) }),
      ...(found.suspenseItems && { suspense: size(found.suspenseItems) }),
    };
  } catch {
    // The page that shows the list says what is wrong.
  }
}

function size({ nodes, pageInfo }: Several): string {
  return `${nodes.length}${pageInfo.hasNextPage ? '+' : ''}`;
}
