// Which market the shelf shows. One basket holds one market's goods: an order has one currency.
import { choose, market, markets } from './markets.ts';

export function MarketSwitch() {
  if (markets.value.length < 2) return null;
  return (
    <fieldset class="markets">
      <legend class="hush">Prices for</legend>
      {markets.value.map(({ currency, name }) => (
        <label key={currency}>
          <input type="radio" name="market" value={currency} checked={market.value?.currency === currency} onChange={() => choose(currency)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
