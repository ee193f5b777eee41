// The far end of a websocket, in a test's hand: what a server says, when, and what it leaves unsaid.
const STATE = {
  number: 'K7Q-4MD', status: 'PENDING', paymentStatus: 'UNPAID', fulfillmentStatus: 'UNFULFILLED', paymentInProgress: false,
};

export class Wire {
  /** Every socket that was opened, oldest first. */
  static opened = [];

  sent = [];
  closed = false;

  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    Wire.opened.push(this);
  }

  static get last() {
    return Wire.opened.at(-1);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** Open it and let the client in. */
  admit() {
    this.onopen();
    this.say({ type: 'connection_ack' });
  }

  /** The operation that runs. */
  get running() {
    return this.sent.filter(({ type }) => type === 'subscribe').at(-1);
  }

  next(data) {
    this.say({ id: this.running.id, type: 'next', payload: { data } });
  }

  fail(extensions) {
    this.say({ id: this.running.id, type: 'error', payload: [{ message: 'No.', extensions }] });
  }

  complete() {
    this.say({ id: this.running.id, type: 'complete' });
  }

  /** Answer the query for the order, which ends with that. */
  tellOrder(version, versionsOfEvents) {
    this.next({ order: { ...STATE, version, events: { nodes: versionsOfEvents.map(event) } } });
    this.complete();
  }

  tellEvent(version) {
    this.next({ orderEvents: { ...event(version), order: { ...STATE, version } } });
  }

  drop(code) {
    this.onclose({ code });
  }
}

function event(version) {
  return { cursor: `c${version}`, version, type: 'PAYMENT_CREATED', paymentId: 'pay_1', occurredAt: '2026-11-22T09:30:00Z', message: null, amount: null };
}
