// src/errors.ts
var TrackingError = class extends Error {
  name = "TrackingError";
  code;
  constructor(code, message = code) {
    super(message);
    this.code = code;
  }
};

// src/origins.ts
function explainOrigins(url) {
  const page = globalThis.location;
  if (!page || new URL(url).host === page.host) return;
  console.warn(
    `Orderpulse: no websocket to ${new URL(url).host}. If it is up, start it with ORDERPULSE_ALLOWED_ORIGINS=${page.origin} (docs/client.md#origins)`
  );
}

// src/link.ts
var PROTOCOL = "graphql-transport-ws";
var ACKNOWLEDGED_WITHIN_MS = 1e4;
var PING_EVERY_MS = 15e3;
var PONG_WITHIN_MS = 5e3;
var BACKOFF_FIRST_MS = 1e3;
var BACKOFF_MAX_MS = 2e4;
var HIDDEN_LONG_MS = 3e4;
var CLOSES = {
  4400: "REFUSED",
  4401: "UNAUTHENTICATED",
  4403: "UNAUTHENTICATED",
  4406: "REFUSED"
};
var PASSING = /^(UNAVAILABLE|INTERNAL|RATE_LIMITED)$/;
function keepLinked(link) {
  const url = new URL(link.url, globalThis.location?.href).href.replace(/^http/, "ws");
  const Socket = link.WebSocket ?? WebSocket;
  let socket;
  let timer;
  let state;
  let failures = 0;
  let isFirst = true;
  const after = (ms, act) => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };
  const tell = (now) => {
    if (state !== now) link.onConnection?.(state = now);
  };
  const drop = () => {
    const old = socket;
    socket = void 0;
    old?.close();
  };
  const stop = () => {
    state = "ended";
    clearTimeout(timer);
    unwatch();
    drop();
  };
  const end = (error) => {
    if (state === "ended") return;
    stop();
    link.onConnection?.("ended");
    link.onError?.(error);
  };
  const again = () => {
    drop();
    tell("reconnecting");
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures++);
    after(ceiling * Math.random(), connect);
  };
  const refuse = (errors = []) => {
    const { message, extensions: { code = "" } = {} } = errors[0] ?? {};
    if (PASSING.test(code)) again();
    else end(new TrackingError(code === "NOT_FOUND" || code === "UNAUTHENTICATED" ? code : "REFUSED", message));
  };
  const connect = () => {
    const mine = socket = new Socket(url, PROTOCOL);
    let running;
    let id = 0;
    const send = (message) => mine.send(JSON.stringify(message));
    const run = () => {
      running = link.operation();
      send({ id: `${++id}`, type: "subscribe", payload: running });
    };
    const ping = () => {
      failures = 0;
      send({ type: "ping" });
      after(PONG_WITHIN_MS, again);
    };
    tell(state ? "reconnecting" : "connecting");
    after(ACKNOWLEDGED_WITHIN_MS, again);
    mine.onopen = () => {
      isFirst = false;
      send({ type: "connection_init", payload: link.credentials });
    };
    mine.onclose = ({ code }) => {
      if (mine !== socket) return;
      if (isFirst) link.onTurnedDown?.(url);
      isFirst = false;
      const reason = CLOSES[code];
      if (reason) end(new TrackingError(reason, `Closed with ${code}`));
      else again();
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      const message = JSON.parse(data);
      const isOfRunning = message.id === `${id}`;
      after(PING_EVERY_MS, ping);
      if (message.type === "connection_ack") {
        run();
        tell("live");
      } else if (message.type === "ping") send({ type: "pong" });
      else if (message.type === "next" && isOfRunning) {
        const { data: content, errors } = message.payload;
        if (!content) return refuse(errors);
        failures = 0;
        try {
          link.onData(content);
        } catch (error) {
          if (!(error instanceof TrackingError)) throw error;
          end(error);
        }
      } else if (message.type === "error" && isOfRunning) refuse(message.payload);
      else if (message.type === "complete" && isOfRunning) {
        if (link.operation().query === running?.query) again();
        else run();
      }
    };
  };
  const unwatch = onWake((slept) => {
    if (socket && slept) drop();
    if (socket) return;
    tell("reconnecting");
    connect();
  });
  connect();
  return stop;
}
function onWake(call) {
  if (typeof document === "undefined") return () => {
  };
  let hiddenSince = Date.now();
  const online = () => call(true);
  const visible = () => {
    if (document.hidden) hiddenSince = Date.now();
    else call(Date.now() - hiddenSince > HIDDEN_LONG_MS);
  };
  addEventListener("online", online);
  document.addEventListener("visibilitychange", visible);
  return () => {
    removeEventListener("online", online);
    document.removeEventListener("visibilitychange", visible);
  };
}

// src/order-events.graphql
var order_events_default = "subscription OrderEvents($id:ID!$after:Cursor){orderEvents(orderId:$id after:$after){cursor version type paymentId occurredAt message amount{amount currency}order{number version status paymentStatus fulfillmentStatus paymentInProgress total{amount currency}paid{amount currency}refunded{amount currency}balance{amount currency}}}}";

// src/order-now.graphql
var order_now_default = "query OrderNow($id:ID!){order(id:$id){number version status paymentStatus fulfillmentStatus paymentInProgress total{amount currency}paid{amount currency}refunded{amount currency}balance{amount currency}events(first:100){nodes{cursor version type paymentId occurredAt message amount{amount currency}}}}}";

// src/watch.ts
function watchOrder({ orderId: id, token, after, onUpdate, ...link }) {
  let cursor = after ?? null;
  let newest;
  let seen = 0;
  const hear = (order, events) => {
    if (newest === void 0 || order.version >= newest.version) newest = order;
    const last = events.at(-1);
    if (last) ({ version: seen, cursor } = last);
    onUpdate({ order: newest, events, cursor });
  };
  return keepLinked({
    ...link,
    credentials: { orderAccessToken: token },
    operation: () => cursor === null ? { query: order_now_default, variables: { id } } : { query: order_events_default, variables: { id, after: cursor } },
    onData(data) {
      if ("orderEvents" in data) {
        const { order, ...event } = data.orderEvents;
        if (event.version > seen) hear(order, [event]);
      } else if (data.order === null) throw new TrackingError("NOT_FOUND");
      else {
        const { events: { nodes }, ...order } = data.order;
        hear(order, nodes.filter(({ version }) => version <= order.version));
      }
    }
  });
}

export {
  TrackingError,
  explainOrigins,
  watchOrder
};
