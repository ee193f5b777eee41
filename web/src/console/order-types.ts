// An order as the order page reads it.
import type { Money } from '../money.ts';

/** With the minor units beside it, to reckon exactly. */
export interface Amount extends Money {
  minorUnits: number;
}
export interface Failure {
  code: string;
  message: string;
  declineCode: string | null;
}
export interface Refund {
  id: string;
  status: string;
  reason: string | null;
  initiatedBy: string;
  reference: string | null;
  overdue: boolean;
  turnaroundDueAt: string | null;
  createdAt: string;
  amount: Amount;
}
export interface Payment {
  id: string;
  gateway: string;
  method: string | null;
  status: string;
  captureMethod: string;
  reference: string | null;
  lateAuthorized: boolean;
  createdAt: string;
  amount: Amount;
  authorized: Amount;
  captured: Amount;
  refunded: Amount;
  lastError: Failure | null;
  attempts: { reference: string; status: string; method: string | null; createdAt: string; failure: Failure | null }[];
  refunds: Refund[];
  disputes: { id: string; status: string; reason: string | null; respondBy: string | null; createdAt: string; amount: Amount }[];
}
export interface Order {
  id: string;
  number: string;
  version: number;
  status: string;
  paymentStatus: string;
  fulfillmentStatus: string;
  customerId: string | null;
  customerEmail: string | null;
  total: Amount;
  paid: Amount;
  refunded: Amount;
  balance: Amount;
  surplus: Amount;
  paymentInProgress: boolean;
  latePaymentPolicy: string;
  expiresAt: string | null;
  createdAt: string;
  lines: { sku: string; name: string; quantity: number; total: Amount }[];
  adjustments: { kind: string; label: string; amount: Amount }[];
  payments: Payment[];
}

/** Of a payment, what can still be given back: what was captured, without what went or is on its way. */
export function refundable({ captured, refunds }: Payment): Amount {
  const gone = refunds.filter(({ status }) => status === 'PENDING' || status === 'SUCCEEDED');
  return withMinor(captured, captured.minorUnits - gone.reduce((sum, { amount }) => sum + amount.minorUnits, 0));
}

/** Of an authorisation, what can still be captured. */
export function capturable({ authorized, captured, status }: Payment): Amount {
  const open = status === 'REQUIRES_CAPTURE' || status === 'PARTIALLY_CAPTURED';
  return withMinor(authorized, open ? authorized.minorUnits - captured.minorUnits : 0);
}

export function isOpen({ status }: Payment): boolean {
  return /^(REQUIRES_|PROCESSING|PARTIALLY_CAPTURED)/.test(status);
}

/** The same currency with another number of minor units, written with the currency's own decimals. */
export function withMinor(like: Amount, minorUnits: number): Amount {
  const digits = digitsOf(like);
  const text = String(Math.abs(minorUnits)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const sign = minorUnits < 0 ? '-' : '';
  return { ...like, minorUnits, amount: `${sign}${whole}${digits ? `.${text.slice(-digits)}` : ''}` };
}

/** What somebody typed as an amount of that currency; null where it is none, or has more decimals than there are. */
export function typedAmount(text: string, like: Amount): Amount | null {
  const [, whole, part = ''] = /^(\d{1,15})(?:\.(\d*))?$/.exec(text.trim()) ?? [];
  const digits = digitsOf(like);
  if (whole === undefined || part.length > digits) return null;
  const minorUnits = Number(whole + part.padEnd(digits, '0'));
  return Number.isSafeInteger(minorUnits) ? withMinor(like, minorUnits) : null;
}

export function digitsOf({ amount }: Money): number {
  return amount.split('.')[1]?.length ?? 0;
}
