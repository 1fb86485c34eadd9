import createClient, { type ClientOptions, type Middleware } from "openapi-fetch";
import type { paths } from "./generated";
import { Problem, parseProblem } from "./problem";

const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);

let csrfToken: string | null = null;
const expiryListeners = new Set<() => void>();

/** Set the CSRF token for all further unsafe requests; null removes it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Subscribe to the end of the session (401). Returns a function that unsubscribes. */
export function onSessionExpired(listener: () => void): () => void {
  expiryListeners.add(listener);
  return () => expiryListeners.delete(listener);
}

const sessionMiddleware: Middleware = {
  onRequest({ request }) {
    if (csrfToken !== null && UNSAFE.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  async onResponse({ response, schemaPath }) {
    if (response.ok) return;
    // On the session's own route, 401 means that there is no session, not that one has expired.
    if (response.status === 401 && schemaPath !== "/v1/session")
      for (const notify of expiryListeners) notify();
    throw await parseProblem(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    return new Problem(0, "The server is not responding");
  },
};

export function createApiClient(options: ClientOptions = {}) {
  const client = createClient<paths>({ baseUrl: "/", credentials: "same-origin", ...options });
  client.use(sessionMiddleware);
  return client;
}

export const api = createApiClient();

/** Return the body of a successful response; rejects with a Problem. */
export async function unwrap<Body>(call: Promise<{ data?: Body }>): Promise<NonNullable<Body>> {
  return (await call).data as NonNullable<Body>;
}
