import {
  createUseOrderStatus
} from "./chunk-BSJNVK5C.js";

// src/preact.ts
import { useEffect, useState } from "preact/hooks";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
