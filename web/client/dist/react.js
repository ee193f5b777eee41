'use client';
import {
  createUseOrderStatus
} from "./chunk-HHQTX6K2.js";

// src/react.ts
import { useEffect, useState } from "react";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
