// Makes the server's tracking page live.
import { confirmReturn } from './confirm.ts';
import { watch } from './live.ts';
import { byId, localiseTimes, renderConnection, renderEvent, renderOrder } from './render.ts';

const page = byId('track').dataset;
const token = decodeURIComponent(location.pathname.split('/').pop() ?? '');
const endpoint = page['endpoint'] ?? '/graphql';
const locale = page['locale'] ?? 'en';
let seen = Number(page['version']);
let shown = seen;
let lastPaymentEvent = page['payment'] ?? '';

localiseTimes(locale);
watch({
  endpoint,
  orderId: page['order'] ?? '',
  token,
  cursor: page['cursor'] ?? null,
  onConnection: renderConnection,
  onEvent(event) {
    if (event.version <= seen) return;
    seen = event.version;
    if (event.type.startsWith('PAYMENT_')) lastPaymentEvent = event.type;
    renderEvent(event, locale);
    if (event.order.version < shown) return;
    shown = event.order.version;
    renderOrder(event.order, lastPaymentEvent, locale);
  },
});
void confirmReturn(endpoint, token);
