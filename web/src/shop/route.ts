// Two places: the shelf, and `#pay=<token>`, where one order is paid. The part after # stays in the browser.
import { signal } from '@preact/signals';

export const payToken = signal<string | null>(read());
/** The shopper came straight from the till: with one way to pay there is nothing left to ask. */
export const payAtOnce = signal(false);

addEventListener('hashchange', () => {
  payToken.value = read();
  scrollTo(0, 0);
});

export function goToPay(token: string, { atOnce }: { atOnce: boolean }): void {
  payAtOnce.value = atOnce;
  location.hash = `pay=${encodeURIComponent(token)}`;
}

function read(): string | null {
  const token = /^#pay=(.+)$/.exec(location.hash)?.[1];
  return token === undefined ? null : decodeURIComponent(token);
}
