// The catalogue and what the shopper took of it. Prices here are for reading; the server reckons its own.
import { computed, effect, signal } from '@preact/signals';
import { formatMoney } from '../money.ts';
import type { Product } from './contract.ts';
import { config } from './config.ts';
import { load, save } from '../kept.ts';
import { market, products } from './markets.ts';

const KEY = 'orderpulse:basket';
export const QUANTITY_MAX = 99;

type Quantities = Record<string, number>;

export const quantities = signal<Quantities>(load(localStorage, KEY, {}, isQuantities));
effect(() => save(localStorage, KEY, quantities.value));

/** What the chosen market sells. */
export const shelf = computed(() =>
  products.value.filter(({ unitPrice }) => market.value === null || unitPrice.currency === market.value.currency),
);

export interface BasketLine {
  product: Product;
  quantity: number;
}

export const basketLines = computed<BasketLine[]>(() =>
  shelf.value.flatMap((product) => {
    const quantity = quantities.value[product.sku] ?? 0;
    return quantity > 0 ? [{ product, quantity }] : [];
  }),
);

export const count = computed(() => basketLines.value.reduce((sum, { quantity }) => sum + quantity, 0));

/** The sum per currency, as text: without markets the shelf may hold more than one, though an order may not. */
export const subtotal = computed(() => {
  const sums = new Map<string, { minor: number; digits: number }>();
  for (const { product: { unitPrice }, quantity } of basketLines.value) {
    const digits = unitPrice.amount.split('.')[1]?.length ?? 0;
    const minor = (sums.get(unitPrice.currency)?.minor ?? 0) + Number(unitPrice.minorUnits) * quantity;
    sums.set(unitPrice.currency, { minor, digits });
  }
  return [...sums]
    .map(([currency, { minor, digits }]) => formatMoney({ amount: (minor / 10 ** digits).toFixed(digits), currency }, config.locale))
    .join(' + ');
});

export function setQuantity(sku: string, quantity: number): void {
  const { [sku]: _, ...others } = quantities.value;
  const within = Math.min(Math.max(0, quantity), QUANTITY_MAX);
  quantities.value = within > 0 ? { ...others, [sku]: within } : others;
}

/** Empties what was just ordered; another market's goods stay. */
export function emptyBasket(): void {
  const ordered = new Set(basketLines.value.map(({ product }) => product.sku));
  quantities.value = Object.fromEntries(Object.entries(quantities.value).filter(([sku]) => !ordered.has(sku)));
}

function isQuantities(value: unknown): value is Quantities {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.values(value).every((quantity) => Number.isSafeInteger(quantity) && quantity > 0 && quantity <= QUANTITY_MAX);
}
