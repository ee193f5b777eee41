// The small things that every page is made of.
import type { ComponentChildren } from 'preact';
import { formatMoney, type Money } from '../money.ts';
import { config } from './config.ts';
import type { Problem } from './problem.ts';
import { pathTo } from './route.ts';
import { duration, secondsSince, shortTime } from './times.ts';
import { toneOf, words } from './words.ts';

export function money(amount: Money): string {
  return formatMoney(amount, config.locale);
}

const NUMBER = new Intl.NumberFormat(config.locale);

export function number(value: number): string {
  return NUMBER.format(value);
}

export function Amount({ of }: { of: Money }) {
  return <span class="money">{money(of)}</span>;
}

/** In the viewer's zone; the exact instant in UTC is its title. */
export function Time({ at }: { at: string }) {
  return <time dateTime={at} title={`${at.replace('T', ' ').replace('Z', '')} UTC`}>{shortTime(new Date(at))}</time>;
}

export function Age({ since }: { since: string }) {
  return <time dateTime={since} title={`${since.replace('T', ' ').replace('Z', '')} UTC`}>{duration(secondsSince(since))}</time>;
}

export function State({ of, label }: { of: string; label?: string }) {
  return <span class="state" data-tone={toneOf(of)}>{label ?? words(of)}</span>;
}

export function OrderLink({ order, row = false }: { order: { id: string; number: string }; row?: boolean }) {
  return <a class="mono" href={pathTo('orders', order.id)} {...(row ? { 'data-row': true } : {})}>{order.number}</a>;
}

/** What went wrong, by its code, and what to do. */
export function Trouble({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{problem.page ? <a href={problem.page} target="_blank" rel="noopener"><code>{problem.code}</code></a> : <code>{problem.code}</code>} {problem.message}</p>
      {problem.advice && <p>{problem.advice}</p>}
      {problem.code === 'INTERNAL' && problem.requestId && <p>Request <code>{problem.requestId}</code></p>}
      {retry && <button type="button" class="button quiet" onClick={retry}>Try again</button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="empty-title">{title}</p>{children && <p>{children}</p>}</div>;
}

/** Rows that hold the place of what is being loaded. */
export function Loading({ what, rows = 6 }: { what: string; rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hush">Loading {what} …</span>
      {Array.from({ length: rows }, (_, place) => <i key={place} aria-hidden="true" />)}
    </div>
  );
}

/** A button that says why it can't be pressed, also to those who reach it by keyboard: its title is read out. */
export function Action(props: {
  children: ComponentChildren; why: string | null; onClick: () => void; busy?: boolean; tone?: 'main' | 'quiet' | 'danger'; shortcut?: string;
}) {
  const { children, why, onClick, busy = false, tone = 'quiet', shortcut } = props;
  const off = why !== null || busy;
  return (
    <button
      type="button" class={`button ${tone}`} aria-disabled={off} title={why ?? undefined}
      onClick={() => { if (!off) onClick(); }} {...(shortcut ? { 'aria-keyshortcuts': shortcut } : {})}
    >
      {children}{shortcut && why === null && <kbd aria-hidden="true">{shortcut}</kbd>}
    </button>
  );
}

/** What may be wider than the screen; it is scrolled by keyboard, too. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return <div class="scroll" role="group" aria-label={label} tabIndex={0}>{children}</div>;
}
