import {
  createUseOrderStatus
} from "./chunk-HJC3GKUL.js";

// src/preact.ts
import { useEffect, useState } from "preact/hooks";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
