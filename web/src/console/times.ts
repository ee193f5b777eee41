// Times in the viewer's zone and way of writing, and how long ago they were.
import { config } from './config.ts';

const CLOCK = new Intl.DateTimeFormat(config.locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const DAY = new Intl.DateTimeFormat(config.locale, { day: 'numeric', month: 'short' });
const YEAR = new Intl.DateTimeFormat(config.locale, { day: 'numeric', month: 'short', year: 'numeric' });
const STEPS: readonly [seconds: number, unit: string][] = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];

/** The time of day, with the date where that is not today's. */
export function shortTime(at: Date): string {
  const today = new Date();
  if (at.toDateString() === today.toDateString()) return CLOCK.format(at);
  const day = at.getFullYear() === today.getFullYear() ? DAY : YEAR;
  return `${day.format(at)}, ${CLOCK.format(at)}`;
}

/** `2 h 5 min`: the two largest units. */
export function duration(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [size, unit] of STEPS) {
    const number = Math.floor(left / size);
    left -= number * size;
    if (number > 0) parts.push(`${number} ${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

export function secondsSince(iso: string): number {
  return (Date.now() - Date.parse(iso)) / 1000;
}

export function ago(seconds: number): string {
  return new Date(Date.now() - seconds * 1000).toISOString();
}
