// Makes the server's tracking page live.
import { watchOrder } from '../../client/src/watch.ts';
import { confirmReturn } from './confirm.ts';
import { byId, localiseTimes, renderConnection, renderEvent, renderOrder } from './render.ts';
import { lastPaymentEvent } from './state.ts';

const page = byId('track').dataset;
const token = decodeURIComponent(location.pathname.split('/').pop() ?? '');
const endpoint = page['endpoint'] ?? '/graphql';
const locale = page['locale'] ?? 'en';
let newestPaymentEvent = page['payment'] ?? '';

localiseTimes(locale);
watchOrder({
  url: endpoint,
  orderId: page['order'] ?? '',
  token,
  after: page['cursor'],
  onConnection: renderConnection,
  onUpdate({ order, events }) {
    newestPaymentEvent = lastPaymentEvent(events, newestPaymentEvent);
    for (const event of events) renderEvent(event, locale);
    renderOrder(order, newestPaymentEvent, locale);
  },
});
void confirmReturn(endpoint, token);
