import {
  explainOrigins,
  watchOrder
} from "./chunk-VMCA3GJP.js";

// src/order-status.ts
var UNKNOWN = { order: null, events: [], connection: "connecting", error: null };
function createUseOrderStatus({ useEffect, useState }) {
  return function useOrderStatus(options) {
    const [status, setStatus] = useState(UNKNOWN);
    const { url, orderId, token } = options ?? {};
    useEffect(() => {
      setStatus(() => UNKNOWN);
      if (!url || !orderId || !token) return void 0;
      return watchOrder({
        url,
        orderId,
        token,
        onTurnedDown: explainOrigins,
        onConnection: (connection) => setStatus((before) => ({ ...before, connection })),
        onError: (error) => setStatus((before) => ({ ...before, error })),
        onUpdate: ({ order, events }) => setStatus((before) => ({
          ...before,
          order,
          events: [...before.events, ...events]
        }))
      });
    }, [url, orderId, token]);
    return status;
  };
}

export {
  createUseOrderStatus
};
