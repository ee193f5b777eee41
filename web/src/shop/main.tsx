// The demonstration shop: a shelf, a basket, a till.
import { render } from 'preact';
import { count, subtotal } from './basket.ts';
import { BasketPanel } from './basket-panel.tsx';
import { Catalogue } from './catalogue.tsx';
import { config, root } from './config.ts';
import { MarketSwitch } from './market-switch.tsx';
import { placedOrders, trackingPath } from './orders.ts';
import { Pay } from './pay.tsx';
import { payToken } from './route.ts';

const BACKSTAGE = { '/console': 'Console', '/graphiql': 'GraphiQL' };

function Shop() {
  const token = payToken.value;
  return (
    <>
      <header class="masthead">
        <a class="brand" href="/"><img src="/static/products/cup.svg" alt="" width="56" height="56" />Kulhad</a>
        <p>Tea and what goes with it. This shop is a demonstration of Orderpulse: nothing is sent, and no card is charged.</p>
        {token === null && <MarketSwitch />}
      </header>
      {token === null ? <Floor /> : <main class="one-order" key={token}><Pay token={token} /></main>}
      <Footer />
    </>
  );
}

function Floor() {
  return (
    <main class="floor">
      <h1 class="hush">The shelf</h1>
      <section aria-label="Shelf"><Catalogue /></section>
      <BasketPanel />
      {count.value > 0 && (
        <a class="to-basket" href="#basket"><span>{count.value} in the basket</span><b class="money">{subtotal.value}</b></a>
      )}
    </main>
  );
}

function Footer() {
  return (
    <footer class="foot">
      {placedOrders.value.length > 0 && (
        <nav aria-label="Your orders">
          <h2>Your orders</h2>
          <ul class="numbers">
            {placedOrders.value.map(({ number, token }) => <li key={token}><a href={trackingPath(token)}>{number}</a></li>)}
          </ul>
        </nav>
      )}
      {config.backstage.length > 0 && (
        <nav aria-label="Behind the counter">
          <h2>Behind the counter</h2>
          <ul>{config.backstage.map((path) => <li key={path}><a href={path}>{BACKSTAGE[path]}</a></li>)}</ul>
        </nav>
      )}
    </footer>
  );
}

root.replaceChildren();
render(<Shop />, root);
