// The API's words in an operator's English, and the tone of each state.

const EVENTS: Record<string, string> = {
  ORDER_CREATED: 'Order placed',
  ORDER_CONFIRMED: 'Order confirmed',
  ORDER_COMPLETED: 'Order completed',
  ORDER_CANCELED: 'Order canceled',
  ORDER_EXPIRED: 'Order expired unpaid',
  ORDER_REOPENED: 'Order reopened',
  PAYMENT_CREATED: 'Payment opened',
  PAYMENT_ACTION_REQUIRED: 'Bank asks the shopper',
  PAYMENT_PROCESSING: 'Payment processing',
  PAYMENT_AUTHORIZED: 'Payment authorised',
  PAYMENT_SUCCEEDED: 'Payment succeeded',
  PAYMENT_FAILED: 'Payment failed',
  PAYMENT_CANCELED: 'Payment canceled',
  PAYMENT_EXPIRED: 'Payment expired',
  PAYMENT_CONFLICTED: 'Payment differs from the order',
  REFUND_CREATED: 'Refund asked for',
  REFUND_SUCCEEDED: 'Refund sent',
  REFUND_FAILED: 'Refund failed',
  DISPUTE_OPENED: 'Dispute opened',
  DISPUTE_WON: 'Dispute won',
  DISPUTE_LOST: 'Dispute lost',
  FULFILLMENT_CHANGED: 'Fulfilment changed',
  SUSPENSE_OPENED: 'Money put in suspense',
  SUSPENSE_RESOLVED: 'Suspense resolved',
};

const SOURCES: Record<string, string> = {
  API: 'API', WEBHOOK: 'webhook', POLL: 'poll', SYSTEM: 'system', STAFF: 'staff',
};

export const REASONS: Record<string, string> = {
  UNKNOWN_ORDER: 'No order is known for it',
  AMOUNT_MISMATCH: 'Another amount than was asked',
  CURRENCY_MISMATCH: 'Another currency than was asked',
  LATE_PAYMENT: 'Came after the order was closed',
  SURPLUS: 'More than the order costs',
};

export const RESOLUTIONS: Record<string, string> = {
  REFUND: 'Sent back', APPLY_TO_ORDER: 'Taken for an order', WRITE_OFF: 'Written off',
};

export type Tone = 'good' | 'wait' | 'stop' | 'plain';

const TONES: Record<Exclude<Tone, 'plain'>, RegExp> = {
  good: /^(CONFIRMED|COMPLETED|PAID|SUCCEEDED|APPLIED|DELIVERED|SHIPPED|WON|ORDER_CONFIRMED|ORDER_COMPLETED|ORDER_REOPENED|PAYMENT_SUCCEEDED|DISPUTE_WON|REFUND_SUCCEEDED|SUSPENSE_RESOLVED)$/,
  stop: /(FAILED|LOST|CONFLICTED|DISPUTED|REVIEW|NEEDS_RESPONSE|UNMATCHED|DISPUTE_OPENED|SUSPENSE_OPENED)$/,
  wait: /^(PENDING|PREPARING|AUTHORIZED|PROCESSING|REQUIRES_\w+|PARTIALLY_PAID|PARTIALLY_CAPTURED|OVERPAID|ACTION_REQUIRED|RECEIVED|UNDER_REVIEW|STARTED|PAYMENT_ACTION_REQUIRED|PAYMENT_PROCESSING|PAYMENT_AUTHORIZED|REFUND_CREATED)$/,
};

export function toneOf(state: string): Tone {
  const found = Object.entries(TONES).find(([, states]) => states.test(state));
  return found ? (found[0] as Tone) : 'plain';
}

export function eventWords(type: string): string {
  return EVENTS[type] ?? words(type);
}

export function sourceWords(source: string): string {
  return SOURCES[source] ?? words(source).toLowerCase();
}

/** `PARTIALLY_REFUNDED` → `Partially refunded`. */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ').toLowerCase().replace('upi', 'UPI').replace('qr', 'QR').replace('paypal', 'PayPal').replace('authorized', 'authorised').replace('fulfillment', 'fulfilment');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
