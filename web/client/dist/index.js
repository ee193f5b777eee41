import {
  TrackingError,
  explainOrigins,
  watchOrder
} from "./chunk-VMCA3GJP.js";

// src/paid.ts
function isPaid({ paymentStatus }) {
  return paymentStatus === "PAID" || paymentStatus === "OVERPAID";
}

// src/track-order.ts
async function* trackOrder({ signal, ...options }) {
  let waiting;
  let failure;
  let wake = () => {
  };
  const wakeUp = () => wake();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", wakeUp);
  const stop = watchOrder({
    ...options,
    onTurnedDown: explainOrigins,
    onUpdate(update) {
      waiting = { ...update, events: [...waiting?.events ?? [], ...update.events] };
      wake();
    },
    onError(error) {
      failure = error;
      wake();
    }
  });
  try {
    for (; ; ) {
      signal?.throwIfAborted();
      if (waiting) {
        const update = waiting;
        waiting = void 0;
        yield update;
      } else if (failure) throw failure;
      else await new Promise((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener("abort", wakeUp);
    stop();
  }
}
export {
  TrackingError,
  isPaid,
  trackOrder
};
