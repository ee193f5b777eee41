// What ends the following of an order. Everything else is waited out.

/**
 * - `NOT_FOUND`: no such order, or not one that the token opens.
 * - `UNAUTHENTICATED`: the token is unknown, has expired or was revoked. Ask your back end for a fresh one.
 * - `REFUSED`: the server doesn't understand the request: another version, a bad cursor, not an Orderpulse server.
 */
export type TrackingErrorCode = 'NOT_FOUND' | 'UNAUTHENTICATED' | 'REFUSED';

export class TrackingError extends Error {
  override readonly name = 'TrackingError';
  readonly code: TrackingErrorCode;

  constructor(code: TrackingErrorCode, message: string | undefined = code) {
    super(message);
    this.code = code;
  }
}
