import {
  createUseOrderStatus
} from "./chunk-HHQTX6K2.js";

// src/preact.ts
import { useEffect, useState } from "preact/hooks";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
