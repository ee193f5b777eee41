export { TrackingError, type TrackingErrorCode } from './errors.ts';
export type { Connection } from './link.ts';
export type { FulfillmentStatus, OrderEventType, OrderPaymentStatus, OrderStatus } from './operations.ts';
export { isPaid } from './paid.ts';
export { trackOrder, type TrackOrderOptions } from './track-order.ts';
export type { Money, OrderEvent, OrderState, OrderUpdate } from './watch.ts';
