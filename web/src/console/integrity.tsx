// The books held against the facts: every rule, how much was looked at, and each row that breaks one.
import { ask } from './api.ts';
import integrityQuery from './integrity.graphql';
import { useShortcut } from './keyboard.ts';
import { useLoaded } from './load.ts';
import { Action, Loading, number, Scroll, Time, Trouble } from './parts.tsx';
import { Problem } from './problem.ts';
import { pathTo } from './route.ts';
import { lacking } from './session.ts';
import { count, words } from './words.ts';

interface Report {
  checkedAt: string;
  checks: { name: string; description: string; rowsChecked: number; violations: number }[];
  violations: { check: string; subjectId: string; message: string }[];
}

export function Integrity() {
  const why = lacking('books:read');
  if (why !== null) return <Trouble problem={new Problem('FORBIDDEN', why)} />;
  return <Shown />;
}

function Shown() {
  const { data, problem, busy, reload } = useLoaded(async () => (await ask<{ integrityReport: Report }>(integrityQuery)).integrityReport, []);
  useShortcut('r', 'Check again', reload);
  const rows = data?.checks.reduce((sum, { rowsChecked }) => sum + rowsChecked, 0) ?? 0;
  return (
    <>
      <div class="bar">
        {data && (
          <p class="verdict" data-tone={data.violations.length === 0 ? 'good' : 'stop'} role="status">
            <b>{data.violations.length === 0 ? 'Every rule holds' : `${count(data.violations.length, 'row')} broken`}</b>{' '}
            <span>{count(data.checks.length, 'rule')}, {number(rows)} rows, at <Time at={data.checkedAt} /></span>
          </p>
        )}
        <span class="push" />
        <Action why={null} busy={busy} onClick={reload} shortcut="r">{busy ? 'Checking …' : 'Check again'}</Action>
      </div>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!data && !problem && <Loading what="the report" rows={12} />}
      {data && data.violations.length > 0 && <Violations of={data.violations} />}
      {data && <Checks of={data.checks} />}
      <p class="soft">This looks at what changed last, at whatever waits, and at what the audit in the background has come by. <code>orderpulse audit</code> looks at everything.</p>
    </>
  );
}

function Violations({ of }: { of: Report['violations'] }) {
  return (
    <section aria-labelledby="violations-title">
      <h2 id="violations-title">What is broken</h2>
      <Scroll label="What is broken">
        <table class="rows">
          <thead><tr><th scope="col">Rule</th><th scope="col">Where</th><th scope="col">What is wrong</th></tr></thead>
          <tbody>
            {of.map(({ check, subjectId, message }, place) => (
              <tr key={place}><td>{words(check)}</td><td class="mono"><Subject id={subjectId} /></td><td>{message}</td></tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

function Subject({ id }: { id: string }) {
  if (id.startsWith('ord_')) return <a href={pathTo('orders', id)} data-row>{id}</a>;
  if (id.startsWith('inb_')) return <a href={pathTo('inbox', id)} data-row>{id}</a>;
  return <>{id}</>;
}

function Checks({ of }: { of: Report['checks'] }) {
  return (
    <section aria-labelledby="checks-title">
      <h2 id="checks-title">The rules</h2>
      <Scroll label="The rules">
        <table class="rows">
          <thead><tr><th scope="col">Rule</th><th scope="col">What must hold</th><th scope="col" class="money">Rows</th><th scope="col" class="money">Broken</th></tr></thead>
          <tbody>
            {of.map(({ name, description, rowsChecked, violations }) => (
              <tr key={name}>
                <th scope="row">{words(name)}</th>
                <td class="wrap">{description}</td>
                <td class="money">{number(rowsChecked)}</td>
                <td class="money"><span class="state" data-tone={violations === 0 ? 'good' : 'stop'}>{number(violations)}</span></td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
