import {
  createUseOrderStatus
} from "./chunk-32LI4WEW.js";

// src/preact.ts
import { useEffect, useState } from "preact/hooks";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
