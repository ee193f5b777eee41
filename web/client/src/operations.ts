// Made by `npm run build` from schema/schema.graphql and the operations beside this file.

export type FulfillmentStatus =
  | 'UNFULFILLED'
  | 'PREPARING'
  | 'SHIPPED'
  | 'DELIVERED'
  | 'RETURNED';

export type OrderEventType =
  | 'ORDER_CREATED'
  | 'ORDER_CONFIRMED'
  | 'ORDER_COMPLETED'
  | 'ORDER_CANCELED'
  | 'ORDER_EXPIRED'
  | 'ORDER_REOPENED'
  | 'PAYMENT_CREATED'
  | 'PAYMENT_ACTION_REQUIRED'
  | 'PAYMENT_PROCESSING'
  | 'PAYMENT_AUTHORIZED'
  | 'PAYMENT_SUCCEEDED'
  | 'PAYMENT_FAILED'
  | 'PAYMENT_CANCELED'
  | 'PAYMENT_EXPIRED'
  | 'PAYMENT_CONFLICTED'
  | 'REFUND_CREATED'
  | 'REFUND_SUCCEEDED'
  | 'REFUND_FAILED'
  | 'DISPUTE_OPENED'
  | 'DISPUTE_WON'
  | 'DISPUTE_LOST'
  | 'FULFILLMENT_CHANGED'
  | 'SUSPENSE_OPENED'
  | 'SUSPENSE_RESOLVED';

export type OrderPaymentStatus =
  | 'UNPAID'
  | 'PENDING'
  | 'AUTHORIZED'
  | 'PARTIALLY_PAID'
  | 'PAID'
  | 'OVERPAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'DISPUTED'
  | 'REVIEW';

export type OrderStatus =
  | 'PENDING'
  | 'CONFIRMED'
  | 'COMPLETED'
  | 'CANCELED'
  | 'EXPIRED';

export interface OrderEventsSubscription {
  /** Every event once, in order: all after the cursor first, then live. Without a cursor, from now on. */
  orderEvents: {
    /** Resume from here: `orderEvents(after:)`. */
    cursor: string;
    /** Which of the order's versions this event made. */
    version: number;
    type: OrderEventType;
    paymentId: string | null;
    occurredAt: string;
    message: string | null;
    amount: {
      /** In the currency's major unit (rupees, dollars). */
      amount: string;
      currency: string;
    } | null;
    /** The order as it is now (not as it was at `version`). */
    order: {
      /** Short, human, unguessable enough to read out on the phone; not a secret. */
      number: string;
      /** Rises by exactly one with every committed change: 1, 2, 3 … without a gap. */
      version: number;
      status: OrderStatus;
      paymentStatus: OrderPaymentStatus;
      fulfillmentStatus: FulfillmentStatus;
      /** True while a shopper's money may be on its way: do not offer to pay again. */
      paymentInProgress: boolean;
      /** Lines and adjustments together; fixed when the order is created. */
      total: {
        /** In the currency's major unit (rupees, dollars). */
        amount: string;
        currency: string;
      };
      paid: {
        /** In the currency's major unit (rupees, dollars). */
        amount: string;
        currency: string;
      };
      refunded: {
        /** In the currency's major unit (rupees, dollars). */
        amount: string;
        currency: string;
      };
      /** total - paid + refunded on open orders, never below zero. */
      balance: {
        /** In the currency's major unit (rupees, dollars). */
        amount: string;
        currency: string;
      };
    };
  };
}

export interface OrderNowQuery {
  order: {
    /** Short, human, unguessable enough to read out on the phone; not a secret. */
    number: string;
    /** Rises by exactly one with every committed change: 1, 2, 3 … without a gap. */
    version: number;
    status: OrderStatus;
    paymentStatus: OrderPaymentStatus;
    fulfillmentStatus: FulfillmentStatus;
    /** True while a shopper's money may be on its way: do not offer to pay again. */
    paymentInProgress: boolean;
    /** Lines and adjustments together; fixed when the order is created. */
    total: {
      /** In the currency's major unit (rupees, dollars). */
      amount: string;
      currency: string;
    };
    paid: {
      /** In the currency's major unit (rupees, dollars). */
      amount: string;
      currency: string;
    };
    refunded: {
      /** In the currency's major unit (rupees, dollars). */
      amount: string;
      currency: string;
    };
    /** total - paid + refunded on open orders, never below zero. */
    balance: {
      /** In the currency's major unit (rupees, dollars). */
      amount: string;
      currency: string;
    };
    /** What happened to the order, oldest first. */
    events: {
      nodes: readonly {
        /** Resume from here: `orderEvents(after:)`. */
        cursor: string;
        /** Which of the order's versions this event made. */
        version: number;
        type: OrderEventType;
        paymentId: string | null;
        occurredAt: string;
        message: string | null;
        amount: {
          /** In the currency's major unit (rupees, dollars). */
          amount: string;
          currency: string;
        } | null;
      }[];
    };
  } | null;
}
