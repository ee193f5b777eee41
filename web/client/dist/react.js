'use client';
import {
  createUseOrderStatus
} from "./chunk-BSJNVK5C.js";

// src/react.ts
import { useEffect, useState } from "react";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
