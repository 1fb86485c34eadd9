import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createApiClient, onSessionExpired, setCsrfToken } from "../src/api/client";
import { Problem } from "../src/api/problem";

const json = (status: number, body: object) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json" } });

function clientReturning(respond: () => Response | Promise<Response>) {
  const requests: Request[] = [];
  const client = createApiClient({
    baseUrl: "http://gateway.test",
    fetch: async (request) => {
      requests.push(request);
      return respond();
    },
  });
  return { client, requests };
}

beforeEach(() => setCsrfToken("token-1"));
afterEach(() => setCsrfToken(null));

const release = { params: { path: { customer_id: "c-1" } } };

describe("CSRF token", () => {
  test("is sent with unsafe requests", async () => {
    const { client, requests } = clientReturning(() => json(200, {}));
    await client.DELETE("/v1/customers/{customer_id}/hold", release);
    expect(requests[0]?.headers.get("X-CSRF-Token")).toBe("token-1");
    expect(requests[0]?.credentials).toBe("same-origin");
  });

  test("is not sent with safe requests", async () => {
    const { client, requests } = clientReturning(() => json(200, { stages: [] }));
    await client.GET("/v1/stages");
    expect(requests[0]?.headers.has("X-CSRF-Token")).toBe(false);
  });

  test("is removed with the session", async () => {
    setCsrfToken(null);
    const { client, requests } = clientReturning(() => json(200, {}));
    await client.DELETE("/v1/customers/{customer_id}/hold", release);
    expect(requests[0]?.headers.has("X-CSRF-Token")).toBe(false);
  });
});

describe("error responses", () => {
  test("a 401 reports the end of the session and rejects", async () => {
    const onExpired = vi.fn();
    const stop = onSessionExpired(onExpired);
    const { client } = clientReturning(() => json(401, { title: "No session", status: 401 }));
    await expect(client.GET("/v1/stages")).rejects.toMatchObject({ status: 401 });
    stop();
    expect(onExpired).toHaveBeenCalledOnce();
    await expect(client.GET("/v1/stages")).rejects.toBeInstanceOf(Problem);
    expect(onExpired).toHaveBeenCalledOnce();
  });

  test("a 401 of the session's own route does not report it", async () => {
    const onExpired = vi.fn();
    const stop = onSessionExpired(onExpired);
    const { client } = clientReturning(() => json(401, { title: "No session" }));
    await expect(client.GET("/v1/session")).rejects.toMatchObject({ status: 401 });
    stop();
    expect(onExpired).not.toHaveBeenCalled();
  });

  test("a problem document keeps its detail and fields", async () => {
    const errors = [{ field: "reason", value: "", problem: "1 to 1000 characters" }];
    const { client } = clientReturning(() => json(422, { title: "Not valid", detail: "reason: …", errors }));
    await expect(client.GET("/v1/stages")).rejects.toMatchObject({
      status: 422,
      title: "Not valid",
      detail: "reason: …",
      fields: errors,
      isTransient: false,
    });
  });

  test("other error responses become problems too", async () => {
    const { client } = clientReturning(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    await expect(client.GET("/v1/stages")).rejects.toMatchObject({
      status: 502,
      title: "HTTP 502",
      isTransient: true,
    });
  });

  test("no response becomes a transient problem", async () => {
    const { client } = clientReturning(() => Promise.reject(new TypeError("fetch failed")));
    await expect(client.GET("/v1/stages")).rejects.toMatchObject({ status: 0, isTransient: true });
  });
});
