// One subscription by the official client, graphql-sse, in distinct connections mode.
//
// Reads its settings from the first argument and commands from standard input; writes a line of JSON for everything
// that happens. Only the waiting is the test's: it says "reconnect" when the time has come.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { packages, url, orderId, token, after } = JSON.parse(process.argv[2]);
const { createClient } = createRequire(packages)('graphql-sse');

const tell = (kind, more = {}) => console.log(JSON.stringify({ kind, ...more }));
let letIn = () => {};
let cursor = after;
let going = true;

const client = createClient({
  url,
  headers: { authorization: `Bearer ${token}` },
  retry: () => { tell('closed'); return new Promise((resolve) => { letIn = resolve; }); },
  on: { connected: () => tell('connected') },
});

client.subscribe({
  query: 'subscription ($id: ID!, $after: Cursor) { orderEvents(orderId: $id, after: $after) { cursor version type } }',
  variables: { id: orderId, get after() { return cursor; } }, // read anew at each request: where we are now
}, {
  next: ({ data, errors }) => {
    if (errors) return tell('error', { errors });
    cursor = data.orderEvents.cursor;
    tell('next', { name: 'orderEvents', data: data.orderEvents });
  },
  error: (error) => tell('error', { message: String(error) }),
  complete: () => { if (going) tell('complete'); }, // at its own end, it says so, too
});

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'reconnect') letIn();
}
going = false;
client.dispose();
