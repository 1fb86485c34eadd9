import createClient, { type ClientOptions, type Middleware } from "openapi-fetch";
import { Problem, problemOf } from "./problem";
import type { paths } from "./schema";

const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);

let csrfToken: string | null = null;
const waitingForExpiry = new Set<() => void>();

/** The token that unsafe requests carry from now on; null forgets it. */
export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Calls `listener` whenever the gateway no longer knows the session; returns how to stop that. */
export function onSessionExpired(listener: () => void): () => void {
  waitingForExpiry.add(listener);
  return () => waitingForExpiry.delete(listener);
}

const guard: Middleware = {
  onRequest({ request }) {
    if (csrfToken !== null && UNSAFE.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  async onResponse({ response, schemaPath }) {
    if (response.ok) return;
    // The session's own route answers 401 to say that there is none: nothing has expired.
    if (response.status === 401 && schemaPath !== "/v1/session") for (const told of waitingForExpiry) told();
    throw await problemOf(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    return new Problem(0, "The gateway does not answer");
  },
};

export function makeClient(options: ClientOptions = {}) {
  const client = createClient<paths>({ baseUrl: "/", credentials: "same-origin", ...options });
  client.use(guard);
  return client;
}

export const api = makeClient();

/** The body of an answer in the shape that the gateway documents (`shapes.ts`); rejects with a Problem. */
export async function answer<Shape>(call: Promise<{ data?: unknown }>): Promise<Shape> {
  return (await call).data as Shape;
}
