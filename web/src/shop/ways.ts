// The ways to pay one order, from what the gateways take: what people know (UPI, card, PayPal) first, and
// through whom second. On a phone UPI is a link into an app, on any other screen a code to scan.
import { nameOf } from '../gateways.ts';
import type { Choice } from './contract.ts';

export type Kind = 'UPI' | 'CARD' | 'PAYPAL';

export interface Way {
  id: string;
  gateway: string;
  kind: Kind;
  /** What `paymentCreate` is asked for; null leaves it to the gateway's page. */
  method: 'UPI_INTENT' | 'UPI_QR' | null;
  name: string;
  detail: string;
}

export const KINDS: Record<Kind, string> = { UPI: 'UPI', CARD: 'Card and more', PAYPAL: 'PayPal' };
const METHODS: Record<string, string> = { CARD: 'card', NETBANKING: 'net banking', WALLET: 'wallet', PAYPAL: 'PayPal balance' };
/** In CSS pixels; tablets are wider. */
const PHONE_WIDTH_MAX = 600;
const UPI = ['UPI_INTENT', 'UPI_QR'] as const;

/** Ways in the order in which they are offered; the first is the default. */
export function waysOf(choices: readonly Choice[], onPhone: boolean): Way[] {
  const upi = choices.flatMap(({ gateway, methods }) => {
    const usual = onPhone ? UPI : [...UPI].reverse();
    const method = usual.find((one) => methods.includes(one));
    return method === undefined ? [] : [upiWay(gateway, method)];
  });
  const others = choices.flatMap(({ gateway, methods }) => {
    const left = methods.filter((one) => !UPI.some((upiMethod) => upiMethod === one));
    return left.length === 0 ? [] : [otherWay(gateway, left)];
  });
  const isPayPal = ({ kind }: Way): boolean => kind === 'PAYPAL';
  return [...upi, ...others.filter((way) => !isPayPal(way)), ...others.filter(isPayPal)];
}

export function upiWay(gateway: string, method: 'UPI_INTENT' | 'UPI_QR'): Way {
  const detail = method === 'UPI_INTENT' ? 'opens your UPI app' : 'a code for your phone';
  return { id: `${gateway}:${method}`, gateway, kind: 'UPI', method, name: nameOf(gateway), detail };
}

/** A phone has UPI apps to open; a desk has a screen to scan from. */
export function isPhone(): boolean {
  return navigator.maxTouchPoints > 0 && Math.min(screen.width, screen.height) < PHONE_WIDTH_MAX;
}

function otherWay(gateway: string, methods: readonly string[]): Way {
  const kind = methods.includes('PAYPAL') ? 'PAYPAL' : 'CARD';
  const detail = methods.map((method) => METHODS[method] ?? 'other').join(', ');
  return { id: gateway, gateway, kind, method: null, name: nameOf(gateway), detail };
}
