// Idempotency keys: one per thing the shopper wants done, the same on every retry of it, also after a
// reload. A definite answer ends the intent; doing it again is then a new one.
import { randomUuid } from './random.ts';
import { load, save } from './kept.ts';

const KEY = 'orderpulse:intents';
type Keys = Record<string, string>;

let keys: Keys = load(sessionStorage, KEY, {}, isKeys);

/** @param intent what is wanted, with everything that makes it another wish when it changes */
export function keyFor(intent: string): string {
  const key = keys[intent] ?? randomUuid();
  keep({ ...keys, [intent]: key });
  return key;
}

export function settled(intent: string): void {
  const { [intent]: _, ...others } = keys;
  keep(others);
}

function keep(changed: Keys): void {
  keys = changed;
  save(sessionStorage, KEY, keys);
}

function isKeys(value: unknown): value is Keys {
  return value !== null && typeof value === 'object' && Object.values(value).every((key) => typeof key === 'string');
}
