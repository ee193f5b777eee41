// What people call the gateways.

const NAMES: Record<string, string> = {
  SANDBOX: 'Sandbox', STRIPE: 'Stripe', PAYPAL: 'PayPal', RAZORPAY: 'Razorpay', PAYTM: 'Paytm',
};

export function nameOf(gateway: string): string {
  return NAMES[gateway] ?? gateway;
}
