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
}
export interface Choice {
  gateway: string;
  methods: string[];
}
export type NextAction =
  | { __typename: 'RedirectAction'; url: string }
  | { __typename: 'ClientSdkAction'; sdk: string }
  | { __typename: 'UpiIntentAction'; uri: string }
  | { __typename: 'QrCodeAction'; imageSvg: string };
export interface StartedPayment {
  id: string;
  status: string;
  nextAction: NextAction | null;
}
