import createClient, { type ClientOptions, type Middleware } from "openapi-fetch";
import { Problem, parseProblem } from "./problem";
import type { paths } from "./schema";

const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);

let csrfToken: string | null = null;
const expiryListeners = new Set<() => void>();

/** The token that unsafe requests carry from now on; null forgets it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Calls `listener` whenever the gateway no longer knows the session; returns how to stop that. */
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
    // The session's own route answers 401 to say that there is none: nothing has expired.
    if (response.status === 401 && schemaPath !== "/v1/session")
      for (const notify of expiryListeners) notify();
    throw await parseProblem(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    return new Problem(0, "The gateway does not answer");
  },
};

export function createApiClient(options: ClientOptions = {}) {
  const client = createClient<paths>({ baseUrl: "/", credentials: "same-origin", ...options });
  client.use(sessionMiddleware);
  return client;
}

export const api = createApiClient();

/** The body of an answer in the shape that the gateway documents (`shapes.ts`); rejects with a Problem. */
export async function unwrap<Shape>(call: Promise<{ data?: unknown }>): Promise<Shape> {
  return (await call).data as Shape;
}
