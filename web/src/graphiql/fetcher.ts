// Sends operations: queries and mutations by HTTP, subscriptions by graphql-transport-ws to the same
// endpoint with the headers editor's content as connection parameters.
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { eventLog } from './events.tsx';
import { fillIn, type Json, remember } from './recall.ts';

export function createFetcher(endpoint: string): Fetcher {
  const url = new URL(endpoint, location.href);
  const clientFor = createSocketClients(url);

  return async (params, options): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> => {
    const headers = options?.headers ?? {};
    const send = createGraphiQLFetcher({
      url: url.href,
      wsClient: clientFor(headers),
      enableIncrementalDelivery: false, // one answer per query; the API has no @defer
    });
    const filled = { ...params, variables: fillIn((params.variables ?? null) as Json) };
    const answer = (await send(filled, options)) as ExecutionResult | AsyncIterable<ExecutionResult>;
    if (!isStream(answer)) {
      remember((answer.data ?? null) as Json);
      return answer;
    }
    const operation = options?.documentAST && getOperationAST(options.documentAST, params.operationName);
    eventLog.start(operation?.name?.value ?? 'subscription');
    return recorded(answer);
  };
}

/** One client per distinct set of headers, as they are sent once when the socket opens. */
function createSocketClients(url: URL): (headers: Record<string, unknown>) => Client {
  const socketUrl = url.href.replace(/^http/, 'ws');
  let current: { key: string; client: Client } | null = null;
  return (headers) => {
    const key = JSON.stringify(headers);
    if (current?.key !== key) {
      current = { key, client: createClient({ url: socketUrl, connectionParams: { ...headers } }) };
    }
    return current.client;
  };
}

function isStream(answer: ExecutionResult | AsyncIterable<ExecutionResult>): answer is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in answer;
}

async function* recorded(stream: AsyncIterable<ExecutionResult>): AsyncGenerator<ExecutionResult> {
  try {
    for await (const payload of stream) {
      eventLog.add(payload);
      yield payload;
    }
  } finally {
    eventLog.end();
  }
}
