// Questions before something is done. The browser's own dialog keeps the focus inside and gives it back.
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Trouble } from './parts.tsx';
import { type Problem, problemOf } from './problem.ts';

export function Dialog({ title, close, children, wide = false }: {
  title: string; close: () => void; children: ComponentChildren; wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  // At once, and not after the next paint: the keys that follow are meant for it.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} class={wide ? 'wide' : ''} aria-label={title} onCancel={(event) => { event.preventDefault(); close(); }}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="close" aria-label="Close" onClick={close}>×</button>
      </header>
      {children}
    </dialog>
  );
}

/** A dialog that says what will happen, does it when it is confirmed, and stays when that went wrong. */
export function Confirm({ title, close, confirm, can, tone = 'main', act, children }: {
  title: string; close: () => void; confirm: ComponentChildren; can: boolean; tone?: 'main' | 'danger'; act: () => Promise<void>; children: ComponentChildren;
}) {
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const run = async (): Promise<void> => {
    if (busy.value || !can) return;
    busy.value = true;
    problem.value = null;
    try {
      await act();
      close();
    } catch (error) {
      problem.value = problemOf(error);
    }
    busy.value = false;
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={(event) => { event.preventDefault(); void run(); }}>
        {children}
        {problem.value && <Trouble problem={problem.value} />}
        <footer>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
          <button type="submit" class={`button ${tone}`} disabled={busy.value || !can}>
            {busy.value ? 'Working …' : problem.value ? <>Try again: {confirm}</> : confirm}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
