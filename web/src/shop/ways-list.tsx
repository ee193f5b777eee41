// The choice of a way to pay, grouped as people think of it.
import { KINDS, type Kind, type Way } from './ways.ts';

interface Props {
  ways: readonly Way[];
  chosen: string;
  choose(id: string): void;
}

export function WaysList({ ways, chosen, choose }: Props) {
  const kinds = [...new Set(ways.map(({ kind }) => kind))];
  return (
    <div class="ways">
      {kinds.map((kind) => (
        <fieldset key={kind}>
          <legend>{legend(kind, kinds)}</legend>
          {ways.filter((way) => way.kind === kind).map((way) => (
            <label class="choice" key={way.id}>
              <input type="radio" name="way" value={way.id} checked={way.id === chosen} onChange={() => choose(way.id)} />
              <span><b>{way.name}</b> {way.detail}</span>
            </label>
          ))}
        </fieldset>
      ))}
    </div>
  );
}

function legend(kind: Kind, kinds: readonly Kind[]): string {
  return kinds.length === 1 ? `Pay by ${KINDS[kind]}` : KINDS[kind];
}
