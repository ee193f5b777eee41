// What the shop keeps in the browser. Storage may be full, blocked or written by an older version: then
// the page works on without it.

export function load<Kept>(storage: Storage, key: string, otherwise: Kept, fits: (value: unknown) => value is Kept): Kept {
  try {
    const value: unknown = JSON.parse(storage.getItem(key) ?? 'null');
    return fits(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

export function save(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows and full disks refuse; nothing but convenience is lost.
  }
}
