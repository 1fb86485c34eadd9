import { setCsrfToken } from "./client";
import { Problem, parseProblem } from "./problem";
import type { Session } from "./types";

/** Credentials for signing in: an API key, or the token of a one-time link. */
export type Credentials = { key: string } | { token: string };

/** Return the session of the browser's cookie, or null. Rejects with a Problem if the server does not respond. */
export async function currentSession(): Promise<Session | null> {
  const response = await request("GET");
  if (response.status === 204 || response.status === 401) return null;
  return parseSession(response);
}

/** Start a session. Rejects with a Problem, with status 401 if the credentials are invalid. */
export async function signIn(credentials: Credentials): Promise<Session> {
  return parseSession(await request("POST", credentials));
}

/** End the session, in the browser and on the server. */
export async function signOut(session: Session): Promise<void> {
  const response = await request("DELETE", undefined, { "X-CSRF-Token": session.csrf_token });
  if (!response.ok && response.status !== 401) throw await parseProblem(response);
  setCsrfToken(null);
}

async function request(
  method: string,
  body?: Credentials,
  headers: Record<string, string> = {},
): Promise<Response> {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch("/v1/session", {
      method,
      credentials: "same-origin",
      headers: { ...headers, ...json },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, "The server is not responding");
  }
}

async function parseSession(response: Response): Promise<Session> {
  if (!response.ok) throw await parseProblem(response);
  const session = (await response.json()) as Session;
  setCsrfToken(session.csrf_token);
  return session;
}
