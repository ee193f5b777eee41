// <order-tracker order="ord_…" token="oat_…">: where one order stands, live, on any page of any origin.
//
// One file without a framework. It speaks by the same link and says it in the same words as the tracking page; what it
// shows is drawn into a shadow tree, so that neither the page's styles nor its scripts get in its way.
import type { TrackingError } from '../../client/src/errors.ts';
import type { Connection } from '../../client/src/link.ts';
import { explainOrigins } from '../../client/src/origins.ts';
import { isPaid } from '../../client/src/paid.ts';
import { type OrderUpdate, watchOrder } from '../../client/src/watch.ts';
import { formatMoney } from '../money.ts';
import { CONNECTION, headline, lastPaymentEvent, steps } from '../track/state.ts';
import { type Language, loadLanguage } from './languages.ts';
import look from './look.css';

const ATTRIBUTES = ['order', 'token', 'server', 'lang'];
/** The server that this file came from, which is where the orders are, unless the tag names another one. */
const HOME = new URL('.', import.meta.url);
const sheet = new CSSStyleSheet();
sheet.replaceSync(look);

class OrderTracker extends HTMLElement {
  static readonly observedAttributes = ATTRIBUTES;
  readonly #root = this.attachShadow({ mode: 'open' });
  #stop = (): void => {};
  #run = 0;

  connectedCallback(): void {
    void this.#restart();
  }

  attributeChangedCallback(): void {
    void this.#restart();
  }

  disconnectedCallback(): void {
    void this.#restart();
  }

  /** Once for all attributes that a script sets in a row: only the last of these runs gets past the waiting. */
  async #restart(): Promise<void> {
    const run = ++this.#run;
    this.#stop();
    const locale = this.lang || this.closest<HTMLElement>('[lang]')?.lang || navigator.language;
    const language = await loadLanguage(locale);
    const orderId = this.getAttribute('order');
    const token = this.getAttribute('token');
    if (run !== this.#run || !this.isConnected) return;
    if (orderId && token) this.#follow(orderId, token, createView(this.#root, locale, language));
    else this.#root.replaceChildren();
  }

  #follow(orderId: string, token: string, view: View): void {
    let newestPaymentEvent = '';
    let wasPaid = false;
    this.#stop = watchOrder({
      url: endpointOf(this.getAttribute('server')),
      orderId,
      token,
      onTurnedDown: explainOrigins,
      onConnection: view.connection,
      onError: (error) => {
        view.error(error);
        console.error(`order-tracker: ${error.code}: ${error.message}`);
        this.#tell('order-error', error);
      },
      onUpdate: (update) => {
        newestPaymentEvent = lastPaymentEvent(update.events, newestPaymentEvent);
        view.order(update, newestPaymentEvent);
        this.#tell('order-updated', update);
        if (isPaid(update.order) && !wasPaid) this.#tell('order-paid', update);
        wasPaid ||= isPaid(update.order);
      },
    });
  }

  #tell(name: string, detail: OrderUpdate | TrackingError): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function endpointOf(server: string | null): string {
  const base = server ? new URL(server.replace(/\/?$/, '/'), location.href) : HOME;
  return new URL('graphql', base).href;
}

type View = ReturnType<typeof createView>;

/** What is shown; amounts are written as the locale's country writes them. */
function createView(root: ShadowRoot, locale: string, language: Language) {
  const { say } = language;
  const made = (tag: string, part: string, ...children: (string | Node)[]): HTMLElement => {
    const element = document.createElement(tag);
    element.setAttribute('part', part);
    element.append(...children);
    return element;
  };
  const number = made('p', 'number');
  const title = made('p', 'headline');
  const detail = made('p', 'detail');
  const status = made('div', 'status', title, detail);
  const way = made('ol', 'steps');
  const sums = made('p', 'amounts');
  const line = made('p', 'connection');
  const all = made('div', 'tracker', number, status, way, sums, line);
  all.lang = language.code;
  for (const region of [status, line]) region.setAttribute('role', 'status');
  root.adoptedStyleSheets = [sheet]; // a style element would need the page's Content-Security-Policy to allow it
  root.replaceChildren(all);

  return {
    connection(state: Connection): void {
      line.dataset['state'] = state;
      setText(line, say(CONNECTION[state]));
    },
    error({ code }: TrackingError): void {
      if (code === 'REFUSED') setText(line, say('This order cannot be followed from here'));
    },
    order({ order }: OrderUpdate, newestPaymentEvent: string): void {
      const axes = { ...order, lastPaymentEvent: newestPaymentEvent };
      const now = headline(axes);
      setText(number, `${say('Order')} ${order.number}`);
      all.dataset['tone'] = now.tone;
      setText(title, say(now.headline));
      setText(detail, say(now.detail));
      way.replaceChildren(...steps(axes).map(({ label, done, current }) => {
        const item = made('li', `step${done ? ' done' : ''}${current ? ' current' : ''}`, say(label));
        if (current) item.setAttribute('aria-current', 'step');
        return item;
      }));
      setText(sums, `${say('Paid')}: ${formatMoney(order.paid, locale)} / ${formatMoney(order.total, locale)}`);
    },
  };
}

/** Leaves equal text alone, so that a screen reader isn't made to say it again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

if (!customElements.get('order-tracker')) customElements.define('order-tracker', OrderTracker);
