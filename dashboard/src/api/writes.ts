/** What people do. Each rejects with a Problem; afterwards, what it touched is asked for again. */
import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { touches } from "./keys";
import type { components } from "./schema";

export type Outreach = components["schemas"]["ActionRequest"]["type"];
export type StageChange = components["schemas"]["StageChange"];

export const OUTREACH: readonly Outreach[] = ["call", "email", "offer"];

/** Ask for a call, an e-mail or an offer. `once`: a text by which a repetition is known to be one. */
export function askFor(customerId: string, type: Outreach, once: string): Promise<unknown> {
  return answer(
    api.POST("/v1/customers/{customer_id}/actions", {
      params: { path: { customer_id: customerId }, header: { "idempotency-key": once } },
      body: { type },
    }),
  );
}

/** A text that no other request has; `crypto.randomUUID` would need https. */
export function onceOnly(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}

export function finishTask(taskId: number, keepalive = false): Promise<unknown> {
  return answer(
    api.POST("/v1/portal/tasks/{task_id}/done", {
      params: { path: { task_id: taskId } },
      body: {},
      keepalive,
    }),
  );
}

export function useOutreach(customerId: string) {
  return useChange((type: Outreach) => askFor(customerId, type, onceOnly()), customerId);
}

export function useStageChange(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useChange(
    (change: StageChange) => answer(api.POST("/v1/customers/{customer_id}/stage", { params, body: change })),
    customerId,
  );
}

export function useRelease(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useChange(() => answer(api.DELETE("/v1/customers/{customer_id}/hold", { params })), customerId);
}

export function useRetry(customerId: string) {
  return useChange(
    (actionId: number) =>
      answer(api.POST("/v1/actions/{action_id}/retry", { params: { path: { action_id: actionId } } })),
    customerId,
  );
}

export function useAssign(customerId: string) {
  return useChange(
    ({ taskId, staffId }: { taskId: number; staffId: number | null }) =>
      answer(
        api.POST("/v1/portal/tasks/{task_id}/assign", {
          params: { path: { task_id: taskId } },
          body: { staff_id: staffId },
        }),
      ),
    customerId,
  );
}

/** Replace a customer's notes; 409 where somebody else has changed them since `previous` was read. */
export function useNotes(customerId: string) {
  return useChange(
    ({ notes, previous }: { notes: string | null; previous: string | null }) =>
      answer(
        api.PUT("/v1/customers/{customer_id}/notes", {
          params: { path: { customer_id: customerId } },
          body: { notes, previous },
        }),
      ),
    customerId,
  );
}

/** Ask again for all that shows these customers. */
export function refresh(queries: QueryClient, customers: readonly string[]): Promise<void> {
  const changed = new Set(customers);
  return queries.invalidateQueries({ predicate: ({ queryKey }) => touches(queryKey, "lists", changed) });
}

function useChange<Given>(change: (given: Given) => Promise<unknown>, customerId: string) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => refresh(queries, [customerId]) });
}
