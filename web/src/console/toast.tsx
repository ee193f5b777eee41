// What has just been done, said once; screen readers hear it, too.
import { signal } from '@preact/signals';

const SHOWN_MS = 6_000;
const said = signal<string | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => { said.value = null; }, SHOWN_MS);
}

export function Toast() {
  return <div class="toast" role="status">{said.value && <p>{said.value}</p>}</div>;
}
