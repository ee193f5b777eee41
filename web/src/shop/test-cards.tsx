// The card numbers that everybody knows from Stripe's test mode; the sandbox gateway answers to the same.

const CARDS = [
  ['4242 4242 4242 4242', 'Goes through'],
  ['4000 0025 0000 3155', 'Bank asks to confirm (3\u2011D Secure)'],
  ['4000 0000 0000 0002', 'Declined'],
  ['4000 0000 0000 9995', 'Declined: not enough money'],
  ['4000 0000 0000 0119', 'Declined: processing error'],
  ['4000 0000 0000 0259', 'Goes through, then disputed'],
] as const;

export function TestCards() {
  return (
    <details class="test-cards" open>
      <summary>Test cards</summary>
      <table>
        <tbody>
          {CARDS.map(([number, outcome]) => <tr key={number}><td><code>{number}</code></td><td>{outcome}</td></tr>)}
        </tbody>
      </table>
      <p>Any date to come, any three digits. Never type in a real card.</p>
    </details>
  );
}
