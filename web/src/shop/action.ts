// A button's work: busy while it runs, and in words what went wrong.
import { useSignal } from '@preact/signals';

export interface Action {
  busy: boolean;
  problem: string | null;
  run(): void;
}

export function useAction(work: () => Promise<void>): Action {
  const busy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const run = async (): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await work();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      busy.value = false;
    }
  };
  return { busy: busy.value, problem: problem.value, run: () => void run() };
}
