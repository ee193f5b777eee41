// The orders placed in this browser, so that a guest finds the way back to them.
import { signal } from '@preact/signals';
import { load, save } from '../kept.ts';

const KEY = 'orderpulse:orders';
const ORDERS_MAX = 10;

export interface PlacedOrder {
  number: string;
  token: string;
}

export const placedOrders = signal<readonly PlacedOrder[]>(load(localStorage, KEY, [], isPlacedOrders));

export function keepOrder(order: PlacedOrder): void {
  const others = placedOrders.value.filter(({ number }) => number !== order.number);
  placedOrders.value = [order, ...others].slice(0, ORDERS_MAX);
  save(localStorage, KEY, placedOrders.value);
}

export function trackingPath(token: string): string {
  return `/track/${encodeURIComponent(token)}`;
}

function isPlacedOrders(value: unknown): value is PlacedOrder[] {
  return Array.isArray(value) && value.every((order) => typeof order?.number === 'string' && typeof order?.token === 'string');
}
