// Every shortcut, as it holds on the page that is open.
import { Dialog } from './dialog.tsx';
import { helpOpen, ofThisPage } from './keyboard.ts';
import { PAGES } from './route.ts';

const EVERYWHERE: readonly [string[], string][] = [
  [['/'], 'Find an order'],
  [['j', 'k'], 'Next and previous row'],
  [['Enter'], 'Open the row'],
  [['Esc'], 'Close a question, or go back'],
  [['?'], 'This list'],
];

export function Help() {
  if (!helpOpen.value) return null;
  return (
    <Dialog title="Shortcuts" close={() => { helpOpen.value = false; }} wide>
      <div class="shortcuts">
        <section>
          <h3>Everywhere</h3>
          <dl>{EVERYWHERE.map(([keys, says]) => <Row key={says} keys={keys} says={says} />)}</dl>
          {ofThisPage.value.length > 0 && (
            <>
              <h3>On this page</h3>
              <dl>{ofThisPage.value.map(({ key, says }) => <Row key={key} keys={[key === ' ' ? 'Space' : key]} says={says} />)}</dl>
            </>
          )}
        </section>
        <section>
          <h3>Go to</h3>
          <dl>{Object.values(PAGES).map(({ title, key }) => <Row key={key} keys={['g', key]} says={title} then />)}</dl>
        </section>
      </div>
    </Dialog>
  );
}

function Row({ keys, says, then = false }: { keys: string[]; says: string; then?: boolean }) {
  return (
    <div>
      <dt>{keys.map((key, place) => <>{place > 0 && <small>{then ? ' then ' : ' '}</small>}<kbd>{key}</kbd></>)}</dt>
      <dd>{says}</dd>
    </div>
  );
}
