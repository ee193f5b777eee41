// What the package promises, by its public face, with time and the far end of the wire in hand: `npm test`.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { TrackingError, trackOrder } from '@orderpulse/client';
import { Wire } from './wire.mjs';

const GIVEN = { url: 'https://orders.example/graphql', orderId: 'ord_1', token: 'oat_1', WebSocket: Wire };

let leaving = new AbortController();

afterEach(() => {
  leaving.abort(); // or its timers would keep the process
  leaving = new AbortController();
  Wire.opened.length = 0;
});

/** Follow an order, and keep what comes. */
function follow(options = {}) {
  const followed = { updates: [], states: [], error: undefined };
  const onConnection = (state) => followed.states.push(state);
  const updates = trackOrder({ ...GIVEN, onConnection, signal: leaving.signal, ...options });
  followed.ended = (async () => {
    try {
      for await (const update of updates) followed.updates.push(update);
    } catch (error) {
      followed.error = error;
    }
  })();
  return followed;
}

/** Let everything happen that waits for nothing but its turn. */
async function settled() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function versions({ updates }) {
  return updates.map(({ events }) => events.map(({ version }) => version));
}

/** Time stands still until it is moved on, and waits between connections are as long as they may get. */
function stopTime({ mock }) {
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(Math, 'random', () => 1);
  return (seconds) => mock.timers.tick(seconds * 1000);
}

test('the order and its history come first, then every event from where they end', async () => {
  const followed = follow();
  Wire.last.admit();
  assert.deepEqual(Wire.last.sent[0], { type: 'connection_init', payload: { orderAccessToken: 'oat_1' } });
  assert.deepEqual([Wire.last.url, Wire.last.protocol], ['wss://orders.example/graphql', 'graphql-transport-ws']);
  assert.match(Wire.last.running.payload.query, /^query OrderNow/);
  Wire.last.tellOrder(2, [1, 2]);
  assert.deepEqual(Wire.last.running.payload.variables, { id: 'ord_1', after: 'c2' });
  Wire.last.tellEvent(3);
  await settled();

  assert.deepEqual(versions(followed), [[1, 2, 3]]);
  assert.equal(followed.updates[0].cursor, 'c3');
  assert.deepEqual(followed.states, ['connecting', 'live']);
});

test('a loop that is slow gets several events at once and the newest order', async () => {
  const updates = trackOrder(GIVEN);
  const first = updates.next();
  Wire.last.admit();
  Wire.last.tellOrder(1, [1]);
  await first;
  Wire.last.tellEvent(2);
  Wire.last.tellEvent(3);

  const { value } = await updates.next();

  assert.deepEqual(value.events.map(({ version }) => version), [2, 3]);
  assert.equal(value.order.version, 3);
  await updates.return();
  assert.equal(Wire.last.closed, true);
});

test('with a cursor it goes on from there without asking for the order', () => {
  follow({ after: 'c7' });
  Wire.last.admit();

  assert.equal(Wire.last.sent.length, 2);
  assert.deepEqual(Wire.last.running.payload.variables, { id: 'ord_1', after: 'c7' });
});

test('a history that is longer than a page goes on in the stream', async () => {
  const followed = follow();
  Wire.last.admit();
  Wire.last.tellOrder(150, Array.from({ length: 100 }, (_, place) => place + 1));

  assert.equal(Wire.last.running.payload.variables.after, 'c100');
  Wire.last.tellEvent(101);
  await settled();

  assert.equal(versions(followed).flat().length, 101);
  assert.equal(followed.updates.at(-1).order.version, 150, 'an older order does not replace a newer one');
});

test('a history that was read later than its order is cut where the order stands', async () => {
  const followed = follow();
  Wire.last.admit();
  Wire.last.tellOrder(2, [1, 2, 3]);
  assert.equal(Wire.last.running.payload.variables.after, 'c2');
  Wire.last.tellEvent(3);
  Wire.last.tellEvent(3);
  await settled();

  assert.deepEqual(versions(followed).flat(), [1, 2, 3]);
  assert.equal(followed.updates.at(-1).order.version, 3);
});

test('lost connections are made again ever later, up to twenty seconds, for as long as it takes', (context) => {
  const pass = stopTime(context);
  const followed = follow();
  const waits = [1, 2, 4, 8, 16, 20, 20, 20];

  for (const seconds of waits) {
    const connections = Wire.opened.length;
    Wire.last.drop(1006);
    pass(seconds - 0.001);
    assert.equal(Wire.opened.length, connections);
    pass(0.001);
    assert.equal(Wire.opened.length, connections + 1);
  }
  assert.deepEqual(followed.states, ['connecting', 'reconnecting']);
  assert.equal(followed.error, undefined);
});

test('waits are spread, so that not all come back at once', (context) => {
  const pass = stopTime(context);
  context.mock.method(Math, 'random', () => 0.25);
  follow();
  Wire.last.drop(1012);

  pass(0.25);

  assert.equal(Wire.opened.length, 2);
});

test('what comes after a cut goes on after the last event, and the next wait is short again', async (context) => {
  const pass = stopTime(context);
  const followed = follow();
  Wire.last.drop(1006);
  pass(1);
  Wire.last.drop(1006);
  pass(2);
  Wire.last.admit();
  Wire.last.tellOrder(1, [1]);
  Wire.last.tellEvent(2);
  Wire.last.drop(1012);
  pass(1);
  Wire.last.admit();

  assert.equal(Wire.last.running.payload.variables.after, 'c2');
  Wire.last.tellEvent(3);
  await settled();
  assert.deepEqual(versions(followed).flat(), [1, 2, 3]);
  assert.equal(followed.states.at(-1), 'live');
});

test('a socket that died without a word is found by a ping and replaced', (context) => {
  const pass = stopTime(context);
  follow({ after: 'c1' });
  const dead = Wire.last;
  dead.admit();

  pass(15);
  assert.deepEqual(dead.sent.at(-1), { type: 'ping' });
  pass(5);
  assert.equal(dead.closed, true);
  dead.tellEvent(9);
  pass(1);
  assert.equal(Wire.opened.length, 2);
  Wire.last.admit();
  assert.equal(Wire.last.running.payload.variables.after, 'c1', 'what a given-up socket says does not count');
});

test('a socket that answers pings is kept', (context) => {
  const pass = stopTime(context);
  follow({ after: 'c1' });
  Wire.last.admit();

  for (let minutes = 0; minutes < 4; minutes++) {
    pass(15);
    Wire.last.say({ type: 'pong' });
    Wire.last.say({ type: 'ping' });
    assert.deepEqual(Wire.last.sent.at(-1), { type: 'pong' });
  }

  assert.equal(Wire.opened.length, 1);
});

test('a server that takes the connection and says nothing is given up after ten seconds', (context) => {
  const pass = stopTime(context);
  follow();
  Wire.last.onopen();

  pass(10);
  assert.equal(Wire.last.closed, true);
  pass(1);

  assert.equal(Wire.opened.length, 2);
});

test('a stream that the server ends is begun again elsewhere', (context) => {
  const pass = stopTime(context);
  const followed = follow({ after: 'c1' });
  Wire.last.admit();

  Wire.last.complete();
  assert.equal(followed.states.at(-1), 'reconnecting');
  pass(1);

  assert.equal(Wire.opened.length, 2);
});

for (const code of ['UNAVAILABLE', 'INTERNAL', 'RATE_LIMITED']) {
  test(`${code} passes, and is asked again`, (context) => {
    const pass = stopTime(context);
    follow();
    Wire.last.admit();

    Wire.last.fail({ code });
    pass(1);

    assert.equal(Wire.opened.length, 2);
  });
}

for (const [said, what, code] of [
  ['the token is refused', () => Wire.last.drop(4403), 'UNAUTHENTICATED'],
  ['the token runs out', () => Wire.last.fail({ code: 'UNAUTHENTICATED' }), 'UNAUTHENTICATED'],
  ['there is no such order', () => Wire.last.next({ order: null }), 'NOT_FOUND'],
  ['the order is gone', () => Wire.last.fail({ code: 'NOT_FOUND' }), 'NOT_FOUND'],
  ['the cursor is none', () => Wire.last.fail({ code: 'INVALID' }), 'REFUSED'],
  ['the schema is another one', () => Wire.last.fail(undefined), 'REFUSED'],
  ['the protocol is another one', () => Wire.last.drop(4400), 'REFUSED'],
]) {
  test(`it ends where ${said}`, async (context) => {
    const pass = stopTime(context);
    const followed = follow();
    Wire.last.admit();

    what();
    await followed.ended;
    pass(60);

    assert.ok(followed.error instanceof TrackingError);
    assert.equal(followed.error.code, code);
    assert.equal(followed.states.at(-1), 'ended');
    assert.deepEqual([Wire.opened.length, Wire.last.closed], [1, true]);
  });
}

test('what came before the end is still handed over', async () => {
  const followed = follow({ after: 'c1' });
  Wire.last.admit();
  Wire.last.tellEvent(2);
  Wire.last.fail({ code: 'UNAUTHENTICATED' });
  await followed.ended;

  assert.deepEqual(versions(followed), [[2]]);
  assert.equal(followed.error.code, 'UNAUTHENTICATED');
});

test('aborting ends the loop with the reason and closes the socket', async () => {
  const followed = follow();
  Wire.last.admit();

  leaving.abort(new Error('Gone shopping'));
  await followed.ended;

  assert.equal(followed.error.message, 'Gone shopping');
  assert.equal(Wire.last.closed, true);
});

test('a signal that is aborted already opens nothing', async () => {
  const followed = follow({ signal: AbortSignal.abort() });
  await followed.ended;

  assert.equal(followed.error.name, 'AbortError');
  assert.equal(Wire.opened.length, 0);
});
