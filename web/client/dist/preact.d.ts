import { type UseOrderStatus } from './order-status.ts';
export type { OrderStatus, UseOrderStatusOptions } from './order-status.ts';
/** Follow an order for as long as the component is shown; with `null`, wait. On a server it does nothing. */
export declare const useOrderStatus: UseOrderStatus;
