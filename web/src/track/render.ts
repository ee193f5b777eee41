// Rewrites the places that app/web/track.py wrote, in the same shape. Texts go in as text, never as HTML.
import type { Connection } from '../../client/src/link.ts';
import type { OrderEvent, OrderState } from '../../client/src/watch.ts';
import { formatMoney, isPositive } from '../money.ts';
import { CONNECTION, eventWords, headline, payLabel, steps } from './state.ts';

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export function renderConnection(state: Connection): void {
  const line = byId('connection');
  line.dataset['state'] = state;
  setText(line, CONNECTION[state]);
}

export function renderOrder(order: OrderState, lastPaymentEvent: string, locale: string): void {
  const axes = { ...order, lastPaymentEvent };
  const say = headline(axes);
  byId('status').dataset['tone'] = say.tone;
  setText(byId('headline'), say.headline);
  setText(byId('detail'), say.detail);
  byId('steps').replaceChildren(...steps(axes).map(stepItem));
  for (const name of ['total', 'paid', 'refunded', 'balance'] as const) setText(byId(name), formatMoney(order[name], locale));
  showRow('refunded', isPositive(order.refunded));
  showRow('balance', owes(order));
  renderPayLink(order, lastPaymentEvent);
}

/** Not on the page where the order is paid elsewhere. */
function renderPayLink(order: OrderState, lastPaymentEvent: string): void {
  const line = document.getElementById('pay-line');
  if (line === null) return;
  setText(byId('pay'), payLabel(lastPaymentEvent));
  line.hidden = !owes(order) || order.paymentInProgress;
}

export function renderEvent(event: OrderEvent, locale: string): void {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = event.occurredAt;
  time.textContent = localTime(event.occurredAt, locale);
  item.append(time, span('what', eventWords(event.type)));
  if (event.amount) item.append(span('money', formatMoney(event.amount, locale)));
  if (event.message) item.append(span('message', event.message));
  item.className = 'new';
  byId('events').prepend(item);
}

/** The server wrote UTC; the reader's clock is known only here. */
export function localiseTimes(locale: string): void {
  for (const time of document.querySelectorAll('time')) time.textContent = localTime(time.dateTime, locale);
}

function localTime(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

function stepItem({ label, done, current }: ReturnType<typeof steps>[number]): HTMLElement {
  const item = document.createElement('li');
  item.append(span('', label), span('hush', done ? ': done' : ': to come'));
  item.toggleAttribute('data-done', done);
  if (current) item.setAttribute('aria-current', 'step');
  return item;
}

/** Whether the shopper has something left to pay; what was given back after that is not asked for again. */
function owes(order: OrderState): boolean {
  return order.status === 'PENDING' && isPositive(order.balance);
}

function showRow(name: 'refunded' | 'balance', shown: boolean): void {
  const row = byId(name).parentElement;
  if (row) row.hidden = !shown;
}

function span(className: string, text: string): HTMLElement {
  const made = document.createElement('span');
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** Leaves equal text alone, so that a screen reader isn't made to say it again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
