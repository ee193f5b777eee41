// The books of one order: every transaction, and that its entries add up to nothing.
import { ask } from './api.ts';
import ledgerQuery from './ledger.graphql';
import { useLoaded } from './load.ts';
import { type Amount as Exact, withMinor } from './order-types.ts';
import { Amount, Empty, Loading, Scroll, Time, Trouble } from './parts.tsx';
import { lacking } from './session.ts';
import { words } from './words.ts';

interface Entry {
  transactionId: string;
  account: string;
  paymentId: string | null;
  description: string;
  createdAt: string;
  amount: Exact;
}

/** @param version of the order: what it is booked as changes with it alone */
export function Ledger({ id, version }: { id: string; version: number }) {
  const why = lacking('books:read');
  return (
    <section aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      {why === null ? <Books id={id} version={version} /> : <Empty title="The books are not for this key">{why}</Empty>}
    </section>
  );
}

function Books({ id, version }: { id: string; version: number }) {
  const { data, problem, reload } = useLoaded(
    async () => (await ask<{ ledgerEntries: Entry[] }>(ledgerQuery, { id })).ledgerEntries, [id, version],
  );
  if (problem) return <Trouble problem={problem} retry={reload} />;
  if (!data) return <Loading what="the ledger" rows={3} />;
  if (data.length === 0) return <Empty title="Nothing was booked yet">Money is booked when it is captured, given back, disputed or held.</Empty>;
  return (
    <Scroll label="Ledger">
      <table class="rows ledger">
        <thead>
          <tr><th scope="col">Time</th><th scope="col">Booked</th><th scope="col">Account</th><th scope="col" class="money">Debit</th><th scope="col" class="money">Credit</th><th scope="col">Balance</th></tr>
        </thead>
        {byTransaction(data).map((entries) => (
          <tbody key={entries[0]!.transactionId}>
            {entries.map((entry, place) => (
              <tr key={place}>
                {place === 0 && <td class="time" rowSpan={entries.length}><Time at={entry.createdAt} /></td>}
                <td>{entry.description}</td>
                <td>{words(entry.account)}</td>
                <td class="money">{entry.amount.minorUnits > 0 && <Amount of={entry.amount} />}</td>
                <td class="money">{entry.amount.minorUnits < 0 && <Amount of={withMinor(entry.amount, -entry.amount.minorUnits)} />}</td>
                {place === 0 && <td rowSpan={entries.length}><Balance of={entries} /></td>}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </Scroll>
  );
}

function Balance({ of }: { of: Entry[] }) {
  const sums = new Map<string, number>();
  for (const { amount } of of) sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.minorUnits);
  const balanced = [...sums.values()].every((sum) => sum === 0);
  return <span class="state" data-tone={balanced ? 'good' : 'stop'}>{balanced ? 'Balanced' : 'Does not balance'}</span>;
}

function byTransaction(entries: Entry[]): Entry[][] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(entry.transactionId, [...(groups.get(entry.transactionId) ?? []), entry]);
  return [...groups.values()];
}
