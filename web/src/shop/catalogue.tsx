// The shelf: one card for each product.
import { useEffect } from 'preact/hooks';
import { formatMoney } from '../money.ts';
import { useAction } from './action.ts';
import { quantities, setQuantity, shelf } from './basket.ts';
import { loadProducts } from './checkout.ts';
import { config } from './config.ts';
import type { Product } from './contract.ts';
import { products } from './markets.ts';
import { Trouble } from './trouble.tsx';

export function Catalogue() {
  const loading = useAction(async () => {
    products.value = await loadProducts();
  });
  useEffect(loading.run, []);

  if (loading.problem !== null) return <Trouble text={loading.problem} retry={loading.run} />;
  if (loading.busy) return <p class="wait" role="status">Looking at the shelf …</p>;
  if (products.value.length === 0) return <p class="wait">The shelf is empty. Add products with the API's productUpsert.</p>;
  return (
    <ul class="shelf">
      {shelf.value.map((product) => <Card key={product.id} product={product} />)}
    </ul>
  );
}

function Card({ product }: { product: Product }) {
  const quantity = quantities.value[product.sku] ?? 0;
  return (
    <li class="card">
      <div class="picture">
        {product.imageUrl && <img src={product.imageUrl} alt="" width="320" height="320" loading="lazy" />}
      </div>
      <h2>{product.name}</h2>
      <p class="card-foot">
        <span class="money">{formatMoney(product.unitPrice, config.locale)}</span>
        {quantity === 0
          ? <button type="button" class="button quiet" onClick={() => setQuantity(product.sku, 1)}>
              Add<span class="hush"> {product.name}</span>
            </button>
          : <Stepper product={product} quantity={quantity} />}
      </p>
    </li>
  );
}

export function Stepper({ product, quantity }: { product: Product; quantity: number }) {
  return (
    <span class="stepper" role="group" aria-label={`How many: ${product.name}`}>
      <button type="button" aria-label="One less" onClick={() => setQuantity(product.sku, quantity - 1)}>−</button>
      <output>{quantity}</output>
      <button type="button" aria-label="One more" onClick={() => setQuantity(product.sku, quantity + 1)}>+</button>
    </span>
  );
}
