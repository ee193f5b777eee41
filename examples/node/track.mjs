// Places an order at the demo and follows it: node track.mjs [server]
// Node.js has had a WebSocket of its own since 22; Node.js 20 wants the flag --experimental-websocket.
import { randomUUID } from 'node:crypto';
import { isPaid, TrackingError, trackOrder } from '@orderpulse/client';

const server = process.argv[2] ?? 'http://localhost:8000';

async function placeOrder() {
  const response = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `mutation ($input: OrderCreateInput!) {
        orderCreate(input: $input) { order { id number } accessToken errors { message } }
      }`,
      variables: { input: { lines: [{ sku: 'TEA-ASSAM', quantity: 1 }], idempotencyKey: randomUUID() } },
    }),
  });
  const { order, accessToken, errors } = (await response.json()).data.orderCreate;
  if (order === null) throw new Error(errors[0].message);
  return { orderId: order.id, token: accessToken, number: order.number };
}

const { orderId, token, number } = await placeOrder();
console.log(`Order ${number}. Pay it: ${server}/track/${token}`);
console.log(`plain-html, react: http://localhost:8080/#${new URLSearchParams({ order: orderId, token, server })}`);

const leaving = new AbortController();
process.once('SIGINT', () => leaving.abort());
try {
  const updates = trackOrder({
    url: `${server}/graphql`,
    orderId,
    token,
    signal: leaving.signal,
    onConnection: (state) => console.log(`connection ${state}`),
  });
  for await (const { order, events } of updates) {
    for (const { type } of events) console.log(type);
    console.log(isPaid(order) ? `paid ${order.paid.amount} ${order.paid.currency}` : `to pay ${order.balance.amount}`);
  }
} catch (error) {
  if (error instanceof TrackingError) console.error(`Ended: ${error.code}`);
  else if (!leaving.signal.aborted) throw error;
}
