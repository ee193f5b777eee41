// The words for a state: the same table and the same two rules as app/web/words.py.
import { connection, events, headlines, payAgain, steps as way, stops } from '../../../app/web/words.json';
import type { OrderEvent } from '../../client/src/watch.ts';

interface Step {
  label: string;
  done: boolean;
  current: boolean;
}

type When = Partial<Record<'status' | 'paymentStatus' | 'fulfillmentStatus' | 'lastPaymentEvent', string[]>>;
type Axes = Record<keyof When, string>;

export const CONNECTION = connection;

/** The type of the newest event about a payment, or what it was `before` these. */
export function lastPaymentEvent(told: readonly OrderEvent[], before: string): string {
  return told.filter(({ type }) => type.startsWith('PAYMENT_')).at(-1)?.type ?? before;
}

export function headline(axes: Axes): { tone: string; headline: string; detail: string } {
  return headlines.find((row) => holds(row.when, axes))!; // the last row has no condition
}

export function steps(axes: Axes): Step[] {
  let marks = way.map((row) => ({ label: row.label, done: holds(row.when, axes) }));
  const stop = stops.find((row) => holds(row.when, axes));
  if (stop !== undefined) marks = [...marks.filter(({ done }) => done), { label: stop.label, done: true }];
  const open = marks.findIndex(({ done }) => !done);
  const current = open < 0 ? marks.length - 1 : open;
  return marks.map((mark, place) => ({ ...mark, current: place === current }));
}

export function eventWords(type: string): string {
  return (events as Record<string, string>)[type] ?? type;
}

export function payLabel(lastPaymentEvent: string): string {
  return /FAILED|CANCELED|EXPIRED/.test(lastPaymentEvent) ? payAgain.again : payAgain.first;
}

function holds(when: When, axes: Axes): boolean {
  return Object.entries(when).every(([axis, allowed]) => allowed.includes(axes[axis as keyof When]));
}
