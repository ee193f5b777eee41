// Where the shopper buys: each market has its currency, and a country that says which ways to pay there are.
import { computed, effect, signal } from '@preact/signals';
import { config } from './config.ts';
import type { Product } from './contract.ts';
import { load, save } from '../kept.ts';

const KEY = 'orderpulse:market';
const EURO_AREA = new Set('AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK'.split(' '));

export const products = signal<readonly Product[]>([]);

export interface Market {
  currency: string;
  name: string;
  country: string;
}

const MARKETS: readonly Market[] = [
  { currency: 'INR', name: '₹ India', country: 'IN' },
  { currency: 'EUR', name: '€ Europe', country: 'DE' },
  { currency: 'USD', name: '$ America', country: 'US' },
];

const chosen = signal<string>(load(localStorage, KEY, usual(), (value): value is string => typeof value === 'string'));
effect(() => save(localStorage, KEY, chosen.value));

/** The markets for which the shelf has something, in a fixed order. */
export const markets = computed(() =>
  MARKETS.filter(({ currency }) => products.value.some(({ unitPrice }) => unitPrice.currency === currency)),
);

/** Null where the shelf knows none of ours: then everything is shown. */
export const market = computed<Market | null>(
  () => markets.value.find(({ currency }) => currency === chosen.value) ?? markets.value[0] ?? null,
);

export function choose(currency: string): void {
  chosen.value = currency;
}

/** Where somebody who pays in this currency is, as far as a demonstration can tell. */
export function countryOf(currency: string): string | null {
  return MARKETS.find((one) => one.currency === currency)?.country ?? null;
}

function usual(): string {
  const region = config.locale.split('-')[1] ?? '';
  if (EURO_AREA.has(region)) return 'EUR';
  return region === 'US' ? 'USD' : 'INR';
}
