// One order to be paid: what it holds, and the till.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatMoney } from '../money.ts';
import { useAction } from './action.ts';
import { loadOrder } from './checkout.ts';
import { config } from './config.ts';
import type { OrderToPay } from './contract.ts';
import { Till } from './till.tsx';
import { Trouble } from './trouble.tsx';

export function Pay({ token }: { token: string }) {
  const loaded = useSignal<Awaited<ReturnType<typeof loadOrder>> | undefined>(undefined);
  const loading = useAction(async () => {
    loaded.value = await loadOrder(token);
  });
  useEffect(loading.run, [token]);

  if (loading.problem !== null) return <Trouble text={loading.problem} retry={loading.run} />;
  if (loaded.value === undefined) return <p class="wait" role="status">Opening the order …</p>;
  if (loaded.value === null) return <p class="wait">This link opens no order. <a href="/">Back to the shelf</a></p>;
  return (
    <div class="till">
      <Summary order={loaded.value.order} />
      <Till order={loaded.value.order} choices={loaded.value.choices} token={token} reload={loading.run} />
    </div>
  );
}

function Summary({ order }: { order: OrderToPay }) {
  return (
    <section class="summary" aria-label="Order">
      <h1>Order <code>{order.number}</code></h1>
      <table>
        <tbody>
          {order.lines.map((line, place) => (
            <tr key={place}>
              <th scope="row">{line.quantity} × {line.name}</th>
              <td class="money">{formatMoney(line.total, config.locale)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr><th scope="row">Total</th><td class="money">{formatMoney(order.total, config.locale)}</td></tr>
        </tfoot>
      </table>
    </section>
  );
}
