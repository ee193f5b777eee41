// Orders watched by the official client, graphql-ws, which is cut off at random moments and comes back by itself.
//
// Reads its settings from standard input's first line, and ends with standard input. Writes a line of JSON for every
// event, state and error that the client hands on, and for every time that it was cut off or lost its connection.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { packages, urls, key, orders, after, cutSeconds } = JSON.parse((await lines.next()).value);
const { createClient } = createRequire(packages)('graphql-ws');

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const between = (least, most) => least + Math.random() * (most - least);
const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });
const clients = [];
let going = true;

function follow(order) {
  let cursor = after;
  const client = createClient({
    url: () => urls[Math.floor(Math.random() * urls.length)],
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: Infinity,
    shouldRetry: () => true, // by itself it gives up when a connection is refused
    retryWait: () => pause(between(0.05, 0.4)),
    on: { closed: ({ code }) => { if (going) tell({ order, closed: code }); } },
  });
  const watch = (payload, next) => client.subscribe(payload, {
    next: ({ data, errors }) => (errors ? tell({ order, error: JSON.stringify(errors) }) : next(data)),
    error: (error) => { if (going) tell({ order, error: `${error?.code ?? ''} ${error?.reason ?? error}` }); },
    complete: () => { if (going) tell({ order, error: 'complete' }); },
  });
  watch({
    query: 'subscription ($id: ID!, $after: Cursor) { orderEvents(orderId: $id, after: $after) { cursor version } }',
    variables: { id: order, get after() { return cursor; } }, // read anew at each subscribe: where we are now
  }, ({ orderEvents: event }) => {
    cursor = event.cursor;
    tell({ order, version: event.version });
  });
  watch({
    query: 'subscription ($id: ID!) { orderUpdated(id: $id) { version } }',
    variables: { id: order },
  }, ({ orderUpdated: state }) => tell({ order, state: state.version }));
  clients.push(client);
}

async function cutOff() {
  while (going) {
    await pause(between(0, 2 * cutSeconds / clients.length));
    if (!going) return;
    clients[Math.floor(Math.random() * clients.length)].terminate();
    tell({ cut: 1 });
  }
}

orders.forEach(follow);
const cutting = cutOff();
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  if (line === 'calm') going = false; // no more cuts; what is lost from now on is nobody's doing
  if (line === 'end') break;
}
going = false;
await cutting;
process.exit(0);
