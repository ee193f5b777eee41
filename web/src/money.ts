// Amounts as the API writes them, and as people read them.

export interface Money {
  /** Exact decimal in the major unit, e.g. "499.00". */
  amount: string;
  currency: string;
}

/** Formats from the exact decimal; no float is made of it where the browser can avoid that. */
export function formatMoney({ amount, currency }: Money, locale: string): string {
  const digits = amount.split('.')[1]?.length ?? 0;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
  return format.format(amount as `${number}`);
}

export function isPositive({ amount }: Money): boolean {
  return /[1-9]/.test(amount) && !amount.startsWith('-');
}
