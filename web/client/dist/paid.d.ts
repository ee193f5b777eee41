import type { OrderState } from './watch.ts';
/** Whether the money for all of the order is there. What is set aside by the bank (`AUTHORIZED`) isn't yet. */
export declare function isPaid({ paymentStatus }: Pick<OrderState, 'paymentStatus'>): boolean;
