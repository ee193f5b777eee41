import type { OrderState } from './watch.ts';

/** Whether the money for all of the order is there. What is set aside by the bank (`AUTHORIZED`) isn't yet. */
export function isPaid({ paymentStatus }: Pick<OrderState, 'paymentStatus'>): boolean {
  return paymentStatus === 'PAID' || paymentStatus === 'OVERPAID';
}
