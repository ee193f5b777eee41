// Three charts of the last hour. Each has the same figures as a table: always there for screen readers, and by a switch.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { nameOf } from '../gateways.ts';
import { load, save } from '../kept.ts';
import { type Activity, activity, hour, pushes } from './figures.ts';
import type { Plot, PlotData } from './plot.ts';
import { shortTime } from './times.ts';

const KEY = 'orderpulse:console-tables';
const MINUTES = 60;
const RATE_STEP_MINUTES = 5;

export const asTables = signal(load(localStorage, KEY, false, (value): value is boolean => typeof value === 'boolean'));

export function toggleTables(): void {
  asTables.value = !asTables.value;
  save(localStorage, KEY, asTables.value);
}

export function Charts() {
  return (
    <div class="charts">
      <Chart title="Payments a minute" unit="" data={paymentsAMinute(activity.value)} stacked none="No payment was opened in the last hour." />
      <Chart title="Success by gateway" unit=" %" data={successByGateway(activity.value)} none="No payment has been decided in the last hour." max={100} />
      <Chart title="Webhook to browser" unit=" ms" data={pushLatency()} none="Measured where a webhook reaches a shopper's open page. None has since this one was opened." />
    </div>
  );
}

function Chart({ title, unit, data, none, stacked = false, max }: {
  title: string; unit: string; data: PlotData; none: string; stacked?: boolean; max?: number;
}) {
  const isEmpty = data.series.every(({ values }) => values.every((value) => !value));
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      {hour.value === null ? <p class="chart-empty" role="status">Measuring …</p>
        : isEmpty ? <p class="chart-empty">{none}</p>
        : <>{!asTables.value && <Drawing data={data} stacked={stacked} unit={unit} max={max} />}<Twin title={title} data={data} unit={unit} /></>}
    </figure>
  );
}

function Drawing({ data, stacked, unit, max }: { data: PlotData; stacked: boolean; unit: string; max: number | undefined }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(data);
  latest.current = data;
  const names = data.series.map(({ name }) => name).join();
  useEffect(() => {
    let gone = false;
    void import('./plot.ts').then(({ draw }) => {
      if (!gone && place.current) plot.current = draw(place.current, latest.current, { stacked, unit, max });
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names]);
  useEffect(() => plot.current?.update(data));
  return (
    <div aria-hidden="true">
      <div class="plot" ref={place} />
      <ul class="legend">{data.series.map(({ name, color }) => <li key={name} data-color={color}>{name}</li>)}</ul>
    </div>
  );
}

function Twin({ title, data, unit }: { title: string; data: PlotData; unit: string }) {
  const steps = data.at.map((at, place) => ({ at, values: data.series.map(({ values }) => values[place] ?? null) }));
  const told = steps.filter(({ values }) => values.some((value) => value)).reverse();
  return (
    <div class={asTables.value ? 'scroll twin' : 'hush'} {...(asTables.value ? { tabIndex: 0, role: 'region', 'aria-label': title } : {})}>
      <table class="rows">
        <caption class="hush">{title}, newest first; times without any are left out</caption>
        <thead><tr><th scope="col">Time</th>{data.series.map(({ name }) => <th scope="col" class="money" key={name}>{name}</th>)}</tr></thead>
        <tbody>
          {told.map(({ at, values }) => (
            <tr key={at}>
              <th scope="row">{shortTime(new Date(at * 1000))}</th>
              {values.map((value, place) => <td class="money" key={place}>{value === null ? '–' : `${Math.round(value * 10) / 10}${unit}`}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function paymentsAMinute(found: readonly Activity[]): PlotData {
  const at = grid(60);
  const sum = (value: (one: Activity) => number): number[] =>
    at.map((start) => total(found.filter(({ startsAt }) => Date.parse(startsAt) / 1000 === start), value));
  return {
    at,
    series: [
      { name: 'Succeeded', color: 'leaf', values: sum(({ succeeded }) => succeeded) },
      { name: 'Failed', color: 'chilli', values: sum(({ failed }) => failed) },
      { name: 'Other', color: 'marigold', values: sum(({ opened, succeeded, failed }) => opened - succeeded - failed) },
    ],
  };
}

function successByGateway(found: readonly Activity[]): PlotData {
  const seconds = RATE_STEP_MINUTES * 60;
  const at = grid(seconds);
  const gateways = [...new Set(found.map(({ gateway }) => gateway))].sort();
  const colors = ['action', 'leaf', 'marigold', 'chilli', 'soft'] as const;
  return {
    at,
    series: gateways.map((gateway, place) => ({
      name: nameOf(gateway),
      color: colors[place % colors.length]!,
      values: at.map((start) => {
        const here = found.filter((one) => one.gateway === gateway && stepOf(one, seconds) === start);
        const succeeded = total(here, (one) => one.succeeded);
        const decided = succeeded + total(here, (one) => one.failed);
        return decided === 0 ? null : (succeeded / decided) * 100;
      }),
    })),
  };
}

function pushLatency(): PlotData {
  return {
    at: pushes.value.map(({ at }) => at),
    series: [
      { name: 'Median', color: 'action', values: pushes.value.map(({ p50 }) => p50) },
      { name: 'Slowest 1 %', color: 'marigold', values: pushes.value.map(({ p99 }) => p99) },
    ],
  };
}

/** The beginnings of the last hour's steps. */
function grid(seconds: number): number[] {
  const last = Math.floor(Date.now() / 1000 / seconds) * seconds;
  const steps = (MINUTES * 60) / seconds;
  return Array.from({ length: steps }, (_, place) => last - (steps - 1 - place) * seconds);
}

function stepOf({ startsAt }: Activity, seconds: number): number {
  return Math.floor(Date.parse(startsAt) / 1000 / seconds) * seconds;
}

function total(found: readonly Activity[], value: (one: Activity) => number): number {
  return found.reduce((sum, one) => sum + value(one), 0);
}
