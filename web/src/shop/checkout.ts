// What the shop asks of the API: catalogue, order, payment. Each call may fail; `Problem` says so in words.
import { request, Unreachable } from '../graphql.ts';
import type { BasketLine } from './basket.ts';
import { config } from './config.ts';
import type { Choice, OpenPayment, OrderToPay, Product, UserError } from './contract.ts';
import { keyFor, settled } from '../intents.ts';
import { countryOf } from './markets.ts';
import { keepOrder, type PlacedOrder, trackingPath } from './orders.ts';
import orderCreate from './order-create.graphql';
import orderToPay from './order-to-pay.graphql';
import paymentCancel from './payment-cancel.graphql';
import paymentChoices from './payment-choices.graphql';
import paymentCreate from './payment-create.graphql';
import productList from './products.graphql';
import type { Way } from './ways.ts';

/** Something went wrong; the message is for the shopper. */
export class Problem extends Error {
  override name = 'Problem';
}

/** These answers don't end the intent: the same call with the same key may still succeed. */
const PASSING = new Set(['GATEWAY_UNAVAILABLE', 'RATE_LIMITED', 'IDEMPOTENCY_CONCURRENT_REQUEST']);

export async function loadProducts(): Promise<Product[]> {
  const { products } = await ask<{ products: { nodes: Product[] } }>(productList, {});
  return products.nodes.filter(({ active }) => active);
}

export async function placeOrder(lines: readonly BasketLine[], email: string): Promise<PlacedOrder> {
  const ordered = lines.map(({ product, quantity }) => ({ sku: product.sku, quantity }));
  const intent = JSON.stringify(['order', ordered, email]);
  const input = { lines: ordered, customerEmail: email || null, idempotencyKey: keyFor(intent) };
  const { orderCreate: answer } = await ask<{
    orderCreate: { order: { number: string } | null; accessToken: string | null; errors: UserError[] };
  }>(orderCreate, { input });
  decide(intent, answer.errors);
  if (!answer.order || !answer.accessToken) throw new Problem('The shop took the order but sent no way to pay it.');
  const placed = { number: answer.order.number, token: answer.accessToken };
  keepOrder(placed);
  return placed;
}

/** @returns null when the token opens no order */
export async function loadOrder(token: string): Promise<{ order: OrderToPay; choices: Choice[] } | null> {
  const { orderByAccessToken: order } = await ask<{ orderByAccessToken: OrderToPay | null }>(orderToPay, { token }, token);
  if (order === null) return null;
  const { paymentGateways } = await ask<{ paymentGateways: Choice[] }>(
    paymentChoices, { orderId: order.id, country: countryOf(order.balance.currency) }, token,
  );
  return { order, choices: paymentGateways };
}

export async function startPayment(order: OrderToPay, way: Way, token: string): Promise<OpenPayment> {
  const intent = JSON.stringify(['pay', order.id, way.id, order.balance.amount]);
  const input = {
    orderId: order.id,
    gateway: way.gateway,
    method: way.method,
    returnUrl: new URL(trackingPath(token), location.origin).href,
    idempotencyKey: keyFor(intent),
  };
  const { paymentCreate: answer } = await ask<{
    paymentCreate: { payment: OpenPayment | null; errors: UserError[] };
  }>(paymentCreate, { input }, token);
  decide(intent, answer.errors);
  if (!answer.payment) throw new Problem('The payment was started, but no answer says how it goes on.');
  return answer.payment;
}

export async function cancelPayment(payment: OpenPayment, token: string): Promise<void> {
  const intent = JSON.stringify(['cancel', payment.id]);
  const input = { paymentId: payment.id, reason: 'Shopper chose another way to pay', idempotencyKey: keyFor(intent) };
  const { paymentCancel: answer } = await ask<{ paymentCancel: { errors: UserError[] } }>(paymentCancel, { input }, token);
  decide(intent, answer.errors);
}

/** Ends the intent unless trying it again with the same key may help; refusals become a Problem. */
function decide(intent: string, errors: readonly UserError[]): void {
  if (!errors.some(({ code }) => PASSING.has(code))) settled(intent);
  if (errors.length > 0) throw new Problem(errors.map(({ message }) => message).join(' '));
}

async function ask<Data>(query: string, variables: object, token?: string): Promise<Data> {
  try {
    return await request<Data>(config.endpoint, query, variables, token);
  } catch (error) {
    if (error instanceof Unreachable) {
      throw new Problem('The shop did not answer. Nothing is done twice if you try again.');
    }
    throw new Problem(error instanceof Error ? error.message : String(error));
  }
}
