// Lets the prepared tabs work one after the other without copying ids: in a variable, "@orderId" stands
// for the newest order id that an answer carried, and "@uuid" for a fresh random one.
import { randomUuid } from '../random.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const MARKS = /@(uuid|orderId|accessToken|paymentId)\b/g;
const PREFIX = 'orderpulse:recall:';

/** Replace the marks in every text; what no answer has named yet stays as written. */
export function fillIn(value: Json): Json {
  if (typeof value === 'string') {
    return value.replace(MARKS, (mark, kind: string) =>
      kind === 'uuid' ? randomUuid() : (sessionStorage.getItem(PREFIX + kind) ?? mark),
    );
  }
  if (Array.isArray(value)) return value.map(fillIn);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillIn(inner)]));
  }
  return value;
}

/** Keep the ids in an answer's `data` for the next tab. */
export function remember(value: Json): void {
  if (Array.isArray(value)) value.forEach(remember);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'accessToken' && typeof inner === 'string') keep('accessToken', inner);
    if (key === 'order' || key === 'orderByAccessToken') keepId('orderId', inner);
    if (key === 'payment') keepId('paymentId', inner);
    remember(inner);
  }
}

function keepId(kind: string, value: Json): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
  if (typeof value['id'] === 'string') keep(kind, value['id']);
}

function keep(kind: string, value: string): void {
  sessionStorage.setItem(PREFIX + kind, value);
}
