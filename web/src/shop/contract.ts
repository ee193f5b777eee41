// The parts of the API that the shop reads; the .graphql files beside this ask for exactly these.
import type { Money } from '../money.ts';

export interface Product {
  id: string;
  sku: string;
  name: string;
  unitPrice: Money & { minorUnits: number };
  imageUrl: string | null;
  active: boolean;
}
export interface UserError {
  code: string;
  message: string;
  field: string[] | null;
}
export interface OrderToPay {
  id: string;
  number: string;
  status: string;
  paymentStatus: string;
  paymentInProgress: boolean;
  lines: { name: string; quantity: number; total: Money }[];
  total: Money;
  balance: Money;
  payments: OpenPayment[];
  events: { nodes: { cursor: string }[] };
}
export interface Choice {
  gateway: string;
  methods: string[];
}
export type NextAction =
  | { __typename: 'RedirectAction'; url: string }
  | { __typename: 'ClientSdkAction'; sdk: string; parameters: unknown }
  | { __typename: 'UpiIntentAction'; uri: string }
  | { __typename: 'QrCodeAction'; payload: string; imageSvg: string; expiresAt: string | null };
export interface OpenPayment {
  id: string;
  gateway: string;
  status: string;
  /** The gateway's own id of it; null until it has answered. */
  reference: string | null;
  createdAt: string;
  nextAction: NextAction | null;
}
