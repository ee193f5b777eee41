// The audits of graphql-http, the reference implementation of GraphQL over HTTP, at a running server.
//
// Reads its settings from the first argument; writes a line of JSON for every audit.
import { createRequire } from 'node:module';

const { packages, url } = JSON.parse(process.argv[2]);
const { serverAudits } = createRequire(packages)('graphql-http');

for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, reason = '' } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason }));
}
