'use client';
import {
  createUseOrderStatus
} from "./chunk-HJC3GKUL.js";

// src/react.ts
import { useEffect, useState } from "react";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
