// One GraphQL request over HTTP. Expected refusals come in the payloads' `errors`; this raises the rest.

const TIMEOUT_MS = 20_000;

/** No usable answer: the request may or may not have had its effect, so retry with the same key. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

/** The server refused the whole request; asking again in the same way won't help. */
export class Refused extends Error {
  override name = 'Refused';

  constructor(message: string, readonly extensions: Extensions = {}) {
    super(message);
  }
}

interface Extensions {
  code?: string;
  /** Under which the server's log has it. */
  requestId?: string;
}
interface Answer<Data> {
  data?: Data | null;
  errors?: readonly { message: string; extensions?: Extensions }[];
}

/**
 * Send one operation and return its `data`.
 *
 * @param token an order access token, a key or a JWT, sent as `Authorization: Bearer`
 * @throws Unreachable without an answer (network, time-out, 5xx, no JSON)
 * @throws Refused with the server's words when the answer carries errors
 */
export async function request<Data>(
  endpoint: string, query: string, variables: object, token?: string | null,
): Promise<Data> {
  const answer = await post<Data>(endpoint, JSON.stringify({ query, variables }), token);
  const error = answer.errors?.[0];
  if (error || !answer.data) throw new Refused(error?.message ?? 'The server sent no data.', error?.extensions);
  return answer.data;
}

async function post<Data>(endpoint: string, body: string, token?: string | null): Promise<Answer<Data>> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
    return (await response.json()) as Answer<Data>;
  } catch (error) {
    throw new Unreachable(String(error));
  }
}
