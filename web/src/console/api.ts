// Every request of the console: with the key of the session, and with what went wrong as a Problem.
import { request } from '../graphql.ts';
import { keyFor, settled } from '../intents.ts';
import { config } from './config.ts';
import { isPassing, Problem, problemOf } from './problem.ts';
import { KEY_ENDED, session, signOut } from './session.ts';

interface Payload {
  errors: { code: string; message: string }[];
}
export interface Page<Node> {
  nodes: Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export async function ask<Data>(query: string, variables: object = {}): Promise<Data> {
  try {
    return await request<Data>(config.endpoint, query, variables, session.value?.key);
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'UNAUTHENTICATED') {
      signOut(new Problem('UNAUTHENTICATED', KEY_ENDED));
    }
    throw problem;
  }
}

/**
 * Do something once, however often it is tried: one wish has one idempotency key until it is decided.
 *
 * @param wish what is wanted, with everything that makes it another wish when it changes
 */
export async function act<Answer extends Payload>(mutation: string, wish: string, input: object): Promise<Answer> {
  try {
    const variables = { input: { ...input, idempotencyKey: keyFor(wish) } };
    const { answer } = await ask<{ answer: Answer }>(mutation, variables);
    check(answer);
    settled(wish);
    return answer;
  } catch (error) {
    const problem = problemOf(error);
    if (!isPassing(problem)) settled(wish);
    throw problem;
  }
}

/** @throws Problem where the payload tells of one */
export function check({ errors: [first] }: Payload): void {
  if (first) throw new Problem(first.code, first.message);
}
