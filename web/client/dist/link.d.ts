import { TrackingError } from './errors.ts';
/** `reconnecting` waits and tries by itself; after `ended` nothing comes any more. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'ended';
export interface Operation {
    query: string;
    variables: object;
}
export interface Link<Data> {
    /** The GraphQL endpoint; in a browser it may be a path of the page's own server. */
    url: string;
    /** What says who asks: the payload of `connection_init`. */
    credentials: Readonly<Record<string, string>>;
    /** Where the platform has none of its own, e.g. that of the package `ws`. */
    WebSocket?: typeof WebSocket | undefined;
    /** What to run now: asked when the socket is ready, and again when one operation is through. */
    operation(): Operation;
    /** @throws TrackingError to end it */
    onData(data: Data): void;
    onConnection?: ((state: Connection) => void) | undefined;
    onError?: ((error: TrackingError) => void) | undefined;
    /** The very first socket was turned down before it opened. */
    onTurnedDown?: ((url: string) => void) | undefined;
}
/** @returns what ends it */
export declare function keepLinked<Data>(link: Link<Data>): () => void;
