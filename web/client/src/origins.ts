// A server that turns a page's websocket away tells the page nothing; so the developer is told what it may be.

/** Say once, in the console, why a socket to another origin may not have opened. */
export function explainOrigins(url: string): void {
  const page = globalThis.location;
  if (!page || new URL(url).host === page.host) return;
  console.warn(
    `Orderpulse: no websocket to ${new URL(url).host}. `
    + `If it is up, start it with ORDERPULSE_ALLOWED_ORIGINS=${page.origin} (docs/client.md#origins)`,
  );
}
