'use client';
import {
  createUseOrderStatus
} from "./chunk-32LI4WEW.js";

// src/react.ts
import { useEffect, useState } from "react";
var useOrderStatus = createUseOrderStatus({ useEffect, useState });
export {
  useOrderStatus
};
