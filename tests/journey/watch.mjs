// Two subscriptions by the official client, graphql-ws, with its defaults for what to come back from.
//
// Reads its settings from the first argument and commands from standard input; writes a line of JSON for
// everything that happens. Only the waiting is the test's: it says "reconnect" when the time has come.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { packages, url, orderId, token, after } = JSON.parse(process.argv[2]);
const { createClient } = createRequire(packages)('graphql-ws');

const tell = (kind, more = {}) => console.log(JSON.stringify({ kind, ...more }));
let letIn = () => {};
let cursor = after;

const client = createClient({
  url,
  connectionParams: { orderAccessToken: token },
  lazy: false,
  retryWait: () => new Promise((resolve) => { letIn = resolve; }),
  on: {
    connected: () => tell('connected'),
    closed: ({ code, reason }) => tell('closed', { code, reason }),
  },
});

function follow(name, payload, seen = () => {}) {
  client.subscribe(payload, {
    next: ({ data, errors }) => {
      if (errors) return tell('error', { name, errors });
      seen(data[name]);
      tell('next', { name, data: data[name] });
    },
    error: (error) => tell('error', { name, message: String(error), code: error?.code ?? null }),
    complete: () => tell('complete', { name }),
  });
}

follow('orderUpdated', {
  query: 'subscription ($id: ID!) { orderUpdated(id: $id) { version status paymentStatus } }',
  variables: { id: orderId },
});
follow('orderEvents', {
  query: 'subscription ($id: ID!, $after: Cursor) { orderEvents(orderId: $id, after: $after) { cursor version type } }',
  variables: { id: orderId, get after() { return cursor; } }, // read anew at each subscribe: where we are now
}, (event) => { cursor = event.cursor; });

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'reconnect') letIn();
}
await client.dispose();
