// The orders, newest first, filtered as the API filters them.
import { nameOf } from '../gateways.ts';
import type { Money } from '../money.ts';
import { ask, type Page } from './api.ts';
import { useEvents } from './feed.ts';
import { Listed } from './listed.tsx';
import ordersQuery from './orders.graphql';
import { usePaged } from './paged.ts';
import { Amount, Empty, OrderLink, Scroll, State, Time } from './parts.tsx';
import { refine, route } from './route.ts';
import { words } from './words.ts';

const STATUSES = ['PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELED', 'EXPIRED'];
const PAYMENT_STATUSES = [
  'UNPAID', 'PENDING', 'AUTHORIZED', 'PARTIALLY_PAID', 'PAID', 'OVERPAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'DISPUTED', 'REVIEW',
];
const FULFILLMENTS = ['UNFULFILLED', 'PREPARING', 'SHIPPED', 'DELIVERED', 'RETURNED'];
const SORTS = { CREATED_AT_DESC: 'Newest first', CREATED_AT_ASC: 'Oldest first', UPDATED_AT_DESC: 'Last changed first' };

interface OrderRow {
  id: string;
  number: string;
  status: string;
  paymentStatus: string;
  fulfillmentStatus: string;
  customerEmail: string | null;
  createdAt: string;
  updatedAt: string;
  total: Money;
  payments: { id: string; gateway: string }[];
}

export function Orders() {
  const { query } = route.value;
  const given = {
    status: query.get('status') ?? '', payment: query.get('payment') ?? '', fulfillment: query.get('fulfillment') ?? '',
    email: query.get('email') ?? '', sort: query.get('sort') ?? '',
  };
  const set = (change: Partial<typeof given>): void => refine({ ...given, ...change });
  const filter = {
    ...(given.status && { status: [given.status] }),
    ...(given.payment && { paymentStatus: [given.payment] }),
    ...(given.fulfillment && { fulfillmentStatus: [given.fulfillment] }),
    ...(given.email && { customerEmail: given.email }),
  };
  const sort = given.sort in SORTS ? given.sort : 'CREATED_AT_DESC';
  const list = usePaged<OrderRow>(
    async (after) => (await ask<{ orders: Page<OrderRow> }>(ordersQuery, { filter, sort, after })).orders,
    [JSON.stringify(filter), sort],
  );
  // A list that somebody reads on in keeps still.
  useEvents(() => (list.nodes?.length ?? 0) <= 50, list.reload);
  const filtered = Object.keys(filter).length > 0;

  return (
    <>
      <div class="bar">
        <Choice label="Status" any="Every status" of={STATUSES} value={given.status} set={(status) => set({ status })} />
        <Choice label="Payment" any="Every payment status" of={PAYMENT_STATUSES} value={given.payment} set={(payment) => set({ payment })} />
        <Choice label="Fulfilment" any="Every fulfilment" of={FULFILLMENTS} value={given.fulfillment} set={(fulfillment) => set({ fulfillment })} />
        <label><span class="hush">E-mail</span>
          <input
            type="search" placeholder="Customer's e-mail" value={given.email} maxLength={254}
            onChange={(event) => set({ email: event.currentTarget.value.trim() })}
          />
        </label>
        <span class="push" />
        <label><span class="hush">Order of the list</span>
          <select value={sort} onChange={(event) => set({ sort: event.currentTarget.value })}>
            {Object.entries(SORTS).map(([name, label]) => <option key={name} value={name}>{label}</option>)}
          </select>
        </label>
      </div>
      <Listed list={list} what="orders" empty={
        <Empty title={filtered ? 'No order is like that' : 'There are no orders yet'}>
          {filtered ? <button type="button" class="as-link" onClick={() => refine({})}>Show all orders</button> : 'They show here as soon as somebody orders.'}
        </Empty>
      }>
        {(orders) => <Table rows={orders} />}
      </Listed>
    </>
  );
}

function Table({ rows }: { rows: OrderRow[] }) {
  return (
    <Scroll label="Orders">
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Order</th><th scope="col">Status</th><th scope="col">Payment</th><th scope="col">Fulfilment</th>
            <th scope="col" class="money">Total</th><th scope="col">Gateway</th><th scope="col">Customer</th><th scope="col">Placed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((order) => (
            <tr key={order.id}>
              <td><OrderLink order={order} row /></td>
              <td><State of={order.status} /></td>
              <td><State of={order.paymentStatus} /></td>
              <td class="soft">{words(order.fulfillmentStatus)}</td>
              <td class="money"><Amount of={order.total} /></td>
              <td>{[...new Set(order.payments.map(({ gateway }) => nameOf(gateway)))].join(', ')}</td>
              <td class="cut" title={order.customerEmail ?? ''}>{order.customerEmail ?? '–'}</td>
              <td class="time"><Time at={order.createdAt} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function Choice({ label, any, of, value, set }: { label: string; any: string; of: readonly string[]; value: string; set: (value: string) => void }) {
  return (
    <label><span class="hush">{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">{any}</option>
        {of.map((name) => <option key={name} value={name}>{words(name)}</option>)}
      </select>
    </label>
  );
}
