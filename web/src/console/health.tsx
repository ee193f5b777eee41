// How the server does: its own word on readiness, the gateways, and what it measures.
import { nameOf } from '../gateways.ts';
import { ask } from './api.ts';
import { type Activity, hour } from './figures.ts';
import gatewaysQuery from './gateways.graphql';
import { useLoaded } from './load.ts';
import { Empty, Loading, number, Scroll, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { lacking, session } from './session.ts';
import { duration } from './times.ts';

const LOOK_EVERY_MS = 5_000;

interface Readiness {
  ready: boolean;
  problems: string[];
  broker: boolean;
}
interface Gateways {
  gatewayHealth: { gateway: string; available: boolean }[];
  paymentActivity: Activity[];
}

export function Health() {
  const why = lacking('books:read');
  return (
    <>
      <Server />
      {why === null ? <><GatewayTable /><Measured /></> : <Trouble problem={new Problem('FORBIDDEN', why)} />}
    </>
  );
}

function Server() {
  const { data, problem, reload } = useLoaded(() => fetched('/readyz', async (response) => (await response.json()) as Readiness), [], LOOK_EVERY_MS);
  if (problem) return <Trouble problem={problem} retry={reload} />;
  if (!data) return <Loading what="the server's health" rows={3} />;
  const database = data.problems.find((text) => /database|schema/.test(text));
  const rest = data.problems.filter((text) => text !== database);
  return (
    <section aria-labelledby="server-title">
      <h2 id="server-title">Server</h2>
      <ul class="lamps">
        <Lamp name="Ready for requests" good={data.ready} says={data.ready ? 'yes' : rest.join('; ') || 'no'} />
        <Lamp name="Database" good={!database} says={database ?? 'answers, at the right schema'} />
        <Lamp name="Broker" good={data.broker} says={data.broker ? 'other processes are heard' : 'away: pushes from other processes come late, none is lost'} />
      </ul>
    </section>
  );
}

function Lamp({ name, good, says }: { name: string; good: boolean; says: string }) {
  return <li><span class="state" data-tone={good ? 'good' : 'stop'}>{good ? 'Good' : 'Bad'}</span><b>{name}</b><span>{says}</span></li>;
}

function GatewayTable() {
  const { data, problem, reload } = useLoaded(() => ask<Gateways>(gatewaysQuery), [], LOOK_EVERY_MS);
  return (
    <section aria-labelledby="gateways-title">
      <h2 id="gateways-title">Gateways, and their payments of the last hour</h2>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!data && !problem && <Loading what="the gateways" rows={3} />}
      {data?.gatewayHealth.length === 0 && <Empty title="No gateway is set up here" />}
      {data && data.gatewayHealth.length > 0 && (
        <Scroll label="Gateways">
          <table class="rows">
            <thead><tr><th scope="col">Gateway</th><th scope="col">Calls</th><th scope="col" class="money">Opened</th><th scope="col" class="money">Succeeded</th><th scope="col" class="money">Failed</th><th scope="col" class="money">Success</th></tr></thead>
            <tbody>
              {data.gatewayHealth.map(({ gateway, available }) => {
                const of = (value: (one: Activity) => number): number => data.paymentActivity.reduce((sum, one) => sum + (one.gateway === gateway ? value(one) : 0), 0);
                const succeeded = of((one) => one.succeeded);
                const failed = of((one) => one.failed);
                return (
                  <tr key={gateway}>
                    <th scope="row">{nameOf(gateway)}</th>
                    <td><span class="state" data-tone={available ? 'good' : 'stop'}>{available ? 'Are sent' : 'Held back: it did not answer'}</span></td>
                    <td class="money">{number(of((one) => one.opened))}</td>
                    <td class="money">{number(succeeded)}</td>
                    <td class="money">{number(failed)}</td>
                    <td class="money">{succeeded + failed === 0 ? '–' : `${Math.round((succeeded / (succeeded + failed)) * 100)} %`}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  );
}

/** The figures of `/metrics` that an operator looks for; those of other processes are in their own. */
const MEASURED: readonly [name: string, label: string, isBad: (value: number) => boolean, write?: (value: number) => string][] = [
  ['jobs_due', 'Owed work that is due', (value) => value > 100],
  ['jobs_oldest_due_seconds', 'Due the longest', (value) => value > 60, duration],
  ['jobs_at_work', 'At work now', () => false],
  ['jobs_dead', 'Given up, and waiting for people', (value) => value > 0],
  ['settle_waiting', 'Submissions that wait for their batch', (value) => value > 1_000],
  ['settle_poison', 'Submissions that broke their batch', (value) => value > 0],
  ['rate_limited', 'Times that a caller was told to come later', () => false],
  ['integrity_violations', 'Rows that break an invariant', (value) => value > 0],
];

function Measured() {
  const { data, problem, reload } = useLoaded(() => fetched('/metrics', async (response) => figuresIn(await response.text())), [], LOOK_EVERY_MS);
  const found = MEASURED.flatMap(([name, label, isBad, write = number]) => {
    const value = data?.get(name);
    return value === undefined ? [] : [{ label, value: write(value), tone: isBad(value) ? 'stop' : 'plain' }];
  });
  return (
    <section aria-labelledby="measured-title">
      <h2 id="measured-title">This process</h2>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!data && !problem && <Loading what="figures" rows={4} />}
      {data && (
        <dl class="measured">
          {found.map(({ label, value, tone }) => <div key={label}><dt>{label}</dt><dd data-tone={tone}>{value}</dd></div>)}
          <div><dt>Webhook to a shopper's page, median of the last hour</dt><dd>{hour.value?.pushLatencyP50 == null ? 'none pushed' : `${Math.round(hour.value.pushLatencyP50)} ms`}</dd></div>
        </dl>
      )}
    </section>
  );
}

/** Prometheus' text format: each name once, its labels added up. */
function figuresIn(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^orderpulse_(\w+)(?:\{[^}]*\})? (\S+)$/gm)) {
    found.set(name!, (found.get(name!) ?? 0) + Number(value));
  }
  return found;
}

async function fetched<Data>(path: string, read: (response: Response) => Promise<Data>): Promise<Data> {
  const response = await fetch(path, {
    headers: { authorization: `Bearer ${session.value?.key ?? ''}` }, signal: AbortSignal.timeout(10_000),
  }).catch(() => { throw new Problem('UNREACHABLE', 'The server did not answer.'); });
  // A server that is not ready says why, with 503.
  if (!response.ok && response.status !== 503) throw new Problem(`HTTP_${response.status}`, (await response.text()).slice(0, 200));
  return read(response);
}
