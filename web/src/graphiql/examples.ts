// The tabs that open on a first visit: one order's life, in the order in which it happens.
import create from './examples/1-create-an-order.graphql';
import pay from './examples/2-pay.graphql';
import watch from './examples/3-watch-it-live.graphql';
import track from './examples/4-track-by-token.graphql';
import refund from './examples/5-refund.graphql';

export interface Example {
  query: string;
  variables: string;
  headers: string | null;
}

/** The prepared tabs; `sku` exists in the demo's catalogue. */
export function examples(headers: Record<string, string>): Example[] {
  const shared = Object.keys(headers).length > 0 ? pretty(headers) : null;
  const tab = (query: string, variables: object): Example => ({
    query: query.trimEnd(),
    variables: pretty(variables),
    headers: shared,
  });
  return [
    tab(create, {
      input: {
        lines: [{ sku: 'TEA-ASSAM', quantity: 2 }],
        customerEmail: 'asha@example.com',
        idempotencyKey: '@uuid',
      },
    }),
    tab(pay, {
      input: {
        orderId: '@orderId',
        gateway: 'SANDBOX',
        returnUrl: `${location.origin}/track/@accessToken`,
        idempotencyKey: '@uuid',
      },
    }),
    tab(watch, { orderId: '@orderId', after: null }),
    tab(track, { token: '@accessToken' }),
    tab(refund, { input: { paymentId: '@paymentId', reason: 'Asked for it', idempotencyKey: '@uuid' } }),
  ];
}

function pretty(value: object): string {
  return JSON.stringify(value, null, 2);
}
