// The drawing of charts, in a file of its own that is loaded with the first chart.
import uPlot from 'uplot';
import { config } from './config.ts';

export type Color = 'leaf' | 'chilli' | 'marigold' | 'action' | 'soft';
export interface PlotData {
  /** Seconds since the epoch. */
  at: number[];
  series: { name: string; color: Color; values: (number | null)[] }[];
}
export interface Plot {
  update(data: PlotData): void;
  destroy(): void;
}
interface Look {
  stacked: boolean;
  unit: string;
  max: number | undefined;
}

const HEIGHT = 150;
const WHOLE_STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000];
const CLOCK = new Intl.DateTimeFormat(config.locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** Draws into an element, as wide as it is, in the colours of the page; again when one of these changes. */
export function draw(place: HTMLElement, first: PlotData, look: Look): Plot {
  let data = first;
  let plot = make();
  const resized = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const remake = (): void => {
    plot.destroy();
    plot = make();
  };
  resized.observe(place);
  scheme.addEventListener('change', remake);

  function make(): uPlot {
    return new uPlot(options(data, look, place), columns(data, look), place);
  }
  return {
    update(next) {
      data = next;
      plot.setData(columns(next, look));
    },
    destroy() {
      resized.disconnect();
      scheme.removeEventListener('change', remake);
      plot.destroy();
    },
  };
}

function options(data: PlotData, { stacked, unit, max }: Look, place: HTMLElement): uPlot.Options {
  const color = (name: string): string => getComputedStyle(place).getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: color('soft'), font: `12px ${color('sans')}`, ticks: { show: false }, grid: { stroke: color('rule'), width: 1 },
  };
  const bars = uPlot.paths.bars?.({ size: [0.75, 12] });
  const series = data.series.map(({ name, color: of }): uPlot.Series => ({
    label: name,
    stroke: color(of),
    spanGaps: true,
    ...(stacked ? { fill: color(of), width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) } : { width: 2, points: { show: true, size: 5, fill: color(of) } }),
  }));
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 20, 0, 0],
    scales: { y: { range: (_, __, high) => [0, max ?? Math.max(1, Math.ceil(high * 1.1))] } },
    axes: [
      { ...axis, grid: { show: false }, space: 60, size: 24, values: (_, ticks) => ticks.map((at) => CLOCK.format(at * 1000)) },
      { ...axis, size: unit ? 56 : 34, space: 28, incrs: WHOLE_STEPS, values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) },
    ],
    series: [{}, ...(stacked ? series.reverse() : series)],
  };
}

/** Stacked, the tallest comes first, so that those before it in the data are painted over it. */
function columns({ at, series }: PlotData, { stacked }: Look): uPlot.AlignedData {
  const values = series.map((one) => one.values);
  if (!stacked) return [at, ...values];
  const sums: number[][] = [];
  for (const row of values) sums.push(row.map((value, place) => (value ?? 0) + (sums.at(-1)?.[place] ?? 0)));
  return [at, ...sums.reverse()];
}
