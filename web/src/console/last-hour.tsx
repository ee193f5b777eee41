// How the last hour went, in figures and charts.
import { asTables, Charts, toggleTables } from './charts.tsx';
import { figuresProblem, hour } from './figures.ts';
import { Action, number, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { lacking } from './session.ts';
import { duration } from './times.ts';

export function LastHour() {
  const why = lacking('books:read');
  return (
    <section aria-labelledby="hour-title">
      <div class="bar">
        <h2 id="hour-title">The last hour</h2>
        <span class="push" />
        {why === null && <Action why={null} onClick={toggleTables}>{asTables.value ? 'Show charts' : 'Show tables'}</Action>}
      </div>
      {why !== null ? <Trouble problem={new Problem('FORBIDDEN', why)} /> : <><Figures /><Charts /></>}
    </section>
  );
}

function Figures() {
  const figures = hour.value;
  if (figuresProblem.value) return <Trouble problem={figuresProblem.value} />;
  const shown: [string, string | null, string?][] = [
    ['Webhooks', figures && number(figures.received)],
    ['Succeeded', figures && number(figures.succeeded)],
    ['Failed', figures && number(figures.failed)],
    ['Oldest open', figures && (figures.pendingOldestSeconds === null ? '–' : duration(figures.pendingOldestSeconds))],
    ['Unmatched', figures && number(figures.unmatched), figures?.unmatched ? 'stop' : 'plain'],
    ['In suspense', figures && number(figures.suspenseOpen), figures?.suspenseOpen ? 'stop' : 'plain'],
    ['Push, median', figures && milliseconds(figures.pushLatencyP50)],
    ['Push, 99th %', figures && milliseconds(figures.pushLatencyP99)],
  ];
  return (
    <dl class="figures">
      {shown.map(([name, value, tone]) => (
        <div key={name}><dt>{name}</dt><dd data-tone={tone ?? 'plain'}>{value ?? '…'}</dd></div>
      ))}
    </dl>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
