// Who is signed in. The key lives in this tab alone, until it is closed or signed out.
import { computed, signal } from '@preact/signals';
import { request } from '../graphql.ts';
import { load, save } from '../kept.ts';
import { config } from './config.ts';
import { Problem, problemOf } from './problem.ts';
import viewerQuery from './viewer.graphql';

const KEY = 'orderpulse:console-key';

export interface Viewer {
  scopes: string[];
  expiresAt: string | null;
}
interface Session {
  key: string;
  viewer: Viewer;
}

export const KEY_ENDED = 'Your key is no longer good: it has expired, or was revoked.';

export const session = signal<Session | null>(null);
/** Why the last one ended, or could not begin. */
export const refusal = signal<Problem | null>(null);
/** A key from before a reload is being looked at. */
export const resuming = signal(false);

export const scopes = computed(() => new Set(session.value?.viewer.scopes ?? []));

export function may(scope: string): boolean {
  return scopes.value.has(scope);
}

/** Why an action is not for this key; null where it is. */
export function lacking(...needed: string[]): string | null {
  const missing = needed.filter((scope) => !may(scope));
  return missing.length === 0 ? null : `Your key lacks the scope ${missing.join(' and ')}.`;
}

export async function signIn(key: string): Promise<void> {
  refusal.value = null;
  try {
    const { viewer } = await request<{ viewer: Viewer }>(config.endpoint, viewerQuery, {}, key);
    if (viewer.scopes.length === 0) {
      throw new Problem('FORBIDDEN', 'This opens no console: it is a shopper\'s token, or has no scopes.');
    }
    session.value = { key, viewer };
    save(sessionStorage, KEY, key);
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code !== 'UNREACHABLE') forget();
    refusal.value = problem.code === 'UNAUTHENTICATED' ? new Problem('UNAUTHENTICATED', 'This key opens nothing here. It may be mistyped, expired or revoked.') : problem;
  }
}

export function signOut(why: Problem | null = null): void {
  forget();
  session.value = null;
  refusal.value = why;
}

export async function resume(): Promise<void> {
  const key = load(sessionStorage, KEY, '', (value): value is string => typeof value === 'string');
  if (!key) return;
  resuming.value = true;
  await signIn(key);
  resuming.value = false;
}

function forget(): void {
  sessionStorage.removeItem(KEY);
}
