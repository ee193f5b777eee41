// The demo's simulated gateways have a page on which a person plays the shopper's phone, or the form that the
// gateway's own script would show. Elsewhere there are none, and nothing of this is shown.
import { config } from './config.ts';
import type { OpenPayment } from './contract.ts';

/** @param back where the page leads afterwards; null where this page stays open and hears of it by itself */
export function simulatorPage(payment: OpenPayment, way: 'upi' | 'card', back: string | null): string | null {
  const base = config.simulators[payment.gateway];
  if (base === undefined || payment.reference === null) return null;
  const page = new URL(`/_shopper/${encodeURIComponent(payment.reference)}`, base);
  page.searchParams.set('way', way);
  if (back !== null) page.searchParams.set('back', new URL(back, location.origin).href);
  return page.href;
}
