import { useEffect, useState } from 'react';
import { createUseOrderStatus, type UseOrderStatus } from './order-status.ts';

export type { OrderStatus, UseOrderStatusOptions } from './order-status.ts';

/** Follow an order for as long as the component is shown; with `null`, wait. On a server it does nothing. */
export const useOrderStatus: UseOrderStatus = createUseOrderStatus({ useEffect, useState });
