// The words for a state: the same table and the same two rules as app/web/words.py.
import words from '../../../app/web/words.json';
import type { Money } from '../money.ts';

export interface OrderState {
  version: number;
  status: string;
  paymentStatus: string;
  fulfillmentStatus: string;
  paymentInProgress: boolean;
  total: Money;
  paid: Money;
  refunded: Money;
  balance: Money;
}

export interface OrderEvent {
  cursor: string;
  version: number;
  type: string;
  occurredAt: string;
  message: string | null;
  amount: Money | null;
  order: OrderState;
}

interface Step {
  label: string;
  done: boolean;
  current: boolean;
}

type When = Partial<Record<'status' | 'paymentStatus' | 'fulfillmentStatus' | 'lastPaymentEvent', string[]>>;
type Axes = Record<keyof When, string>;

export const CONNECTION = words.connection;
export type Connection = keyof typeof CONNECTION;

export function headline(axes: Axes): { tone: string; headline: string; detail: string } {
  return words.headlines.find((row) => holds(row.when, axes))!; // the last row has no condition
}

export function steps(axes: Axes): Step[] {
  let marks = words.steps.map((row) => ({ label: row.label, done: holds(row.when, axes) }));
  const stop = words.stops.find((row) => holds(row.when, axes));
  if (stop !== undefined) marks = [...marks.filter(({ done }) => done), { label: stop.label, done: true }];
  const open = marks.findIndex(({ done }) => !done);
  const current = open < 0 ? marks.length - 1 : open;
  return marks.map((mark, place) => ({ ...mark, current: place === current }));
}

export function eventWords(type: string): string {
  return (words.events as Record<string, string>)[type] ?? type;
}

export function payLabel(lastPaymentEvent: string): string {
  return /FAILED|CANCELED|EXPIRED/.test(lastPaymentEvent) ? words.payAgain.again : words.payAgain.first;
}

function holds(when: When, axes: Axes): boolean {
  return Object.entries(when).every(([axis, allowed]) => allowed.includes(axes[axis as keyof When]));
}
