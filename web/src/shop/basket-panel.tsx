// The basket and the way to the till.
import { useSignal } from '@preact/signals';
import { formatMoney } from '../money.ts';
import { useAction } from './action.ts';
import { basketLines, count, emptyBasket, subtotal } from './basket.ts';
import { Stepper } from './catalogue.tsx';
import { placeOrder } from './checkout.ts';
import { config } from './config.ts';
import { goToPay } from './route.ts';
import { Trouble } from './trouble.tsx';

export function BasketPanel() {
  const email = useSignal('');
  const checkout = useAction(async () => {
    const { token } = await placeOrder(basketLines.value, email.value.trim());
    emptyBasket();
    goToPay(token, { atOnce: true });
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    checkout.run();
  };

  return (
    <aside class="basket" id="basket" aria-label="Basket">
      <h2>Basket</h2>
      {count.value === 0
        ? <p class="empty">Nothing in it yet.</p>
        : <form onSubmit={submit}>
            <Lines />
            <label class="field">
              <span>E-mail <small>optional</small></span>
              <input type="email" name="email" autocomplete="email" value={email.value}
                onInput={(event) => { email.value = event.currentTarget.value; }} />
            </label>
            <button class="button" disabled={checkout.busy}>{checkout.busy ? 'Placing the order …' : 'Check out'}</button>
            {checkout.problem !== null && <Trouble text={checkout.problem} />}
          </form>}
    </aside>
  );
}

function Lines() {
  return (
    <table>
      <tbody>
        {basketLines.value.map(({ product, quantity }) => (
          <tr key={product.sku}>
            <th scope="row">{product.name}<small class="money">{formatMoney(product.unitPrice, config.locale)} each</small></th>
            <td><Stepper product={product} quantity={quantity} /></td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr><th scope="row">Together</th><td class="money">{subtotal.value}</td></tr>
      </tfoot>
    </table>
  );
}
