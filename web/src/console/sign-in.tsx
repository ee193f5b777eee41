// The door: nothing is shown, and nothing is asked of the server but who this is, before a key is given.
import { useSignal } from '@preact/signals';
import { config } from './config.ts';
import { Trouble } from './parts.tsx';
import { refusal, resume, signIn } from './session.ts';

export function SignIn() {
  const key = useSignal('');
  const busy = useSignal(false);
  const enter = async (given: string): Promise<void> => {
    if (busy.value || given === '') return;
    busy.value = true;
    await signIn(given);
    busy.value = false;
  };
  return (
    <main class="door">
      <div class="sheet">
        <h1><img src="/static/favicon.svg" alt="" width="32" height="32" />Orderpulse console</h1>
        <p>Sign in with a staff key, an API key or a token with scopes. It stays in this tab, and goes when you sign out or close it.</p>
        <form onSubmit={(event) => { event.preventDefault(); void enter(key.value.trim()); }}>
          <label class="field">
            <span>Key or token</span>
            <input
              type="password" name="key" required autoFocus autoComplete="off" spellcheck={false} maxLength={8192}
              value={key.value} onInput={(event) => { key.value = event.currentTarget.value; }}
            />
          </label>
          {refusal.value && <Trouble problem={refusal.value} {...(refusal.value.code === 'UNREACHABLE' && key.value === '' ? { retry: () => void resume() } : {})} />}
          <button type="submit" class="button main" disabled={busy.value}>{busy.value ? 'Looking at the key …' : 'Sign in'}</button>
        </form>
        {config.demoKey !== null && (
          <p class="demo">
            This is a demo: its key is nobody's secret.{' '}
            <button type="button" class="as-link" onClick={() => void enter(config.demoKey ?? '')}>Use the demo's staff key</button>
          </p>
        )}
      </div>
    </main>
  );
}
