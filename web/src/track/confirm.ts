// Back from a gateway's page: hand over what it put into the address, so that the server looks the payment
// up now instead of at the next webhook or poll. Losing this costs seconds, never the payment.
import { Refused, request } from '../graphql.ts';
import { randomUuid } from '../random.ts';
import openPayment from './open-payment.graphql';
import paymentConfirm from './payment-confirm.graphql';

const TRIES_MAX = 5;
const WAIT_MS = 2_000;
const OPEN = /^(REQUIRES_ACTION|REQUIRES_PAYMENT_METHOD|PROCESSING)$/;

interface OpenPayments {
  orderByAccessToken: { payments: { id: string; status: string; createdAt: string }[] } | null;
}

export async function confirmReturn(endpoint: string, token: string): Promise<void> {
  const gatewayData = Object.fromEntries(new URLSearchParams(location.search));
  if (Object.keys(gatewayData).length === 0) return;
  history.replaceState(null, '', location.pathname);
  const idempotencyKey = randomUuid();
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    try {
      const { orderByAccessToken: order } = await request<OpenPayments>(endpoint, openPayment, { token }, token);
      const open = order?.payments.filter(({ status }) => OPEN.test(status)) ?? [];
      const newest = open.sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
      if (newest === undefined) return;
      const input = { paymentId: newest.id, gatewayData, idempotencyKey };
      await request(endpoint, paymentConfirm, { input }, token);
      return;
    } catch (error) {
      if (error instanceof Refused) return;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS * tries));
    }
  }
}
