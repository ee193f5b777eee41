// What went wrong: the API's code, its words, and what the operator can do about it.
import { Refused, Unreachable } from '../graphql.ts';

export class Problem extends Error {
  override name = 'Problem';

  constructor(readonly code: string, message: string, readonly requestId: string | null = null) {
    super(message);
  }

  get advice(): string | null {
    return ADVICE[this.code] ?? null;
  }

  /** The server's page about the code; what went wrong on the way to it has none. */
  get page(): string | null {
    return OUR_OWN.test(this.code) ? null : `/errors/${this.code}`;
  }
}

const OUR_OWN = /^(UNREACHABLE|REFUSED|SCRIPT|HTTP_\d+)$/;

const ADVICE: Record<string, string> = {
  UNREACHABLE: 'Try again. The same key goes with it, so that nothing is done twice.',
  UNAVAILABLE: 'Try again in a moment. Nothing is done twice.',
  INTERNAL: 'Try again; if it stays, the server\'s log has the details.',
  FORBIDDEN: 'Your key lacks the scope for this. Sign in with one that has it.',
  UNAUTHENTICATED: 'Sign in again.',
  NOT_FOUND: 'It may have been removed, or your key may not see it.',
  INVALID_STATE: 'It has moved on meanwhile. Look at it again.',
  VERSION_CONFLICT: 'It has moved on meanwhile. Look at it again.',
  PAYMENT_IN_PROGRESS: 'Wait for the payment\'s outcome, or give that payment up first.',
  GATEWAY_UNAVAILABLE: 'Try again in a moment. The same key goes with it, so that nothing is done twice.',
  GATEWAY_REJECTED: 'The gateway will not do it. Its own dashboard says more, under the payment\'s reference.',
  RATE_LIMITED: 'Wait some seconds, and try again.',
  IDEMPOTENCY_CONCURRENT_REQUEST: 'The same request is still at work. Try again in a moment.',
};

/** These answers don't end the wish: the same call with the same key may still succeed. */
const PASSING = new Set([
  'UNREACHABLE', 'UNAVAILABLE', 'INTERNAL', 'GATEWAY_UNAVAILABLE', 'RATE_LIMITED', 'IDEMPOTENCY_CONCURRENT_REQUEST',
]);

export function isPassing({ code }: Problem): boolean {
  return PASSING.has(code);
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Unreachable) return new Problem('UNREACHABLE', 'The server did not answer.');
  if (error instanceof Refused) {
    const { code = 'REFUSED', requestId = null } = error.extensions;
    return new Problem(code, error.message, requestId);
  }
  return new Problem('SCRIPT', error instanceof Error ? error.message : String(error));
}
