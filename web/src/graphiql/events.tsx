/** @jsxImportSource react */
// Lists every payload of the running subscription below the response, which shows only the newest.
import { useSyncExternalStore } from 'react';

const EVENTS_MAX = 500;

interface Entry {
  number: number;
  at: Date;
  text: string;
}
interface Log {
  name: string | null;
  running: boolean;
  entries: readonly Entry[];
}

class EventLog {
  #log: Log = { name: null, running: false, entries: [] };
  #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly read = (): Log => this.#log;

  start(name: string): void {
    this.#set({ name, running: true, entries: [] });
  }

  add(payload: unknown): void {
    const { entries } = this.#log;
    const entry = { number: (entries[0]?.number ?? 0) + 1, at: new Date(), text: summary(payload) };
    this.#set({ ...this.#log, entries: [entry, ...entries].slice(0, EVENTS_MAX) });
  }

  end(): void {
    this.#set({ ...this.#log, running: false });
  }

  readonly clear = (): void => this.#set({ ...this.#log, name: this.#log.running ? this.#log.name : null, entries: [] });

  #set(log: Log): void {
    this.#log = log;
    for (const listener of this.#listeners) listener();
  }
}

export const eventLog = new EventLog();

function summary(payload: unknown): string {
  const data = (payload as { data?: Record<string, unknown> }).data;
  const fields = data ? Object.values(data) : [];
  return JSON.stringify(fields.length === 1 ? fields[0] : payload);
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23',
});

export function EventList() {
  const log = useSyncExternalStore(eventLog.subscribe, eventLog.read);
  if (log.name === null) return null;
  return (
    <section className="events" aria-label="Subscription events">
      <header>
        <strong>Events</strong>
        <span>{log.name} · {log.running ? 'listening' : 'stopped'} · {log.entries[0]?.number ?? 0} received</span>
        <button type="button" onClick={eventLog.clear}>Clear</button>
      </header>
      <ol>
        {log.entries.map((entry) => (
          <li key={entry.number}>
            <details>
              <summary>
                <b>{entry.number}</b> <time dateTime={entry.at.toISOString()}>{clock.format(entry.at)}</time>{' '}
                <code>{entry.text}</code>
              </summary>
              <pre>{JSON.stringify(JSON.parse(entry.text), null, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}
