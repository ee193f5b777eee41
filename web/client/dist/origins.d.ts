/** Say once, in the console, why a socket to another origin may not have opened. */
export declare function explainOrigins(url: string): void;
