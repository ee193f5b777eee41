import { isPaid, type TrackingError } from '@orderpulse/client';
import { useOrderStatus } from '@orderpulse/client/react';
import { createRoot } from 'react-dom/client';

const TROUBLE: Record<TrackingError['code'], string> = {
  NOT_FOUND: 'There is no such order.',
  UNAUTHENTICATED: 'This link has expired. Ask us for a new one.',
  REFUSED: 'This order can’t be followed from here.',
};

function Order({ url, orderId, token }: { url: string; orderId: string; token: string }) {
  const { order, events, connection, error } = useOrderStatus({ url, orderId, token });

  if (error) return <p role="alert">{TROUBLE[error.code]}</p>;
  if (order === null) return <p role="status">Opening your order …</p>;
  return (
    <>
      <h1>Order {order.number}</h1>
      <p role="status">{isPaid(order) ? 'Paid. Thank you!' : `To pay: ${order.balance.amount} ${order.balance.currency}`}</p>
      {connection === 'reconnecting' && <p role="status">Connection lost. Reconnecting …</p>}
      <ol>
        {events.map(({ version, type }) => <li key={version}>{type}</li>)}
      </ol>
    </>
  );
}

// Your server knows these. This page takes them from its address.
const given = new URLSearchParams(location.hash.slice(1));
createRoot(document.getElementById('app')!).render(
  <Order
    url={`${given.get('server') ?? 'http://localhost:8000'}/graphql`}
    orderId={given.get('order') ?? ''}
    token={given.get('token') ?? ''}
  />,
);
