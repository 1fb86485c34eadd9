/** Mutations. Each rejects with a Problem and invalidates the affected queries. */
import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import { isAffected } from "./query-keys";
import type { Attendance, NewContact, Outreach, StageChange } from "./types";

export const OUTREACH: readonly Outreach[] = ["call", "email", "offer"];

/**
 * Request a call, an e-mail or an offer, which can be cancelled for `delaySeconds`. Repeating a request with the same
 * `idempotencyKey` has no effect.
 */
export function requestOutreach(
  customerId: string,
  type: Outreach,
  idempotencyKey: string,
  delaySeconds = 0,
) {
  return unwrap(
    api.POST("/v1/customers/{customer_id}/actions", {
      params: { path: { customer_id: customerId }, header: { "idempotency-key": idempotencyKey } },
      body: { type, delay_seconds: delaySeconds },
    }),
  );
}

/** Return a random key. (`crypto.randomUUID` is only available over HTTPS.) */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}

export function useOutreach(customerId: string) {
  return useCustomerMutation(
    ({ type, delaySeconds = 0 }: { type: Outreach; delaySeconds?: number }) =>
      requestOutreach(customerId, type, newIdempotencyKey(), delaySeconds),
    customerId,
  );
}

export function useCancelAction(customerId: string) {
  return useCustomerMutation(
    (actionId: number) =>
      unwrap(api.POST("/v1/actions/{action_id}/cancel", { params: { path: { action_id: actionId } } })),
    customerId,
  );
}

export function useStageChange(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useCustomerMutation(
    (change: StageChange) => unwrap(api.POST("/v1/customers/{customer_id}/stage", { params, body: change })),
    customerId,
  );
}

/** Retract an event of a customer; it cannot be undone. */
export function useRetraction(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useCustomerMutation(
    (body: { retracts: string; reason: string | null }) =>
      unwrap(api.POST("/v1/customers/{customer_id}/retractions", { params, body })),
    customerId,
  );
}

export function useReleaseHold(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useCustomerMutation(
    () => unwrap(api.DELETE("/v1/customers/{customer_id}/hold", { params })),
    customerId,
  );
}

export function useRetryAction(customerId: string) {
  return useCustomerMutation(
    (actionId: number) =>
      unwrap(api.POST("/v1/actions/{action_id}/retry", { params: { path: { action_id: actionId } } })),
    customerId,
  );
}

export function useAssignTask(customerId: string) {
  return useCustomerMutation(
    ({ taskId, staffId }: { taskId: number; staffId: number | null }) =>
      unwrap(
        api.POST("/v1/portal/tasks/{task_id}/assign", {
          params: { path: { task_id: taskId } },
          body: { staff_id: staffId },
        }),
      ),
    customerId,
  );
}

export function useCompleteTask(customerId: string) {
  return useCustomerMutation(
    (taskId: number) =>
      unwrap(
        api.POST("/v1/portal/tasks/{task_id}/done", { params: { path: { task_id: taskId } }, body: {} }),
      ),
    customerId,
  );
}

/** Answer a task that asks whether the customer came. */
export function useAnswerTask(customerId: string) {
  return useCustomerMutation(
    ({ taskId, answer }: { taskId: number; answer: Attendance }) =>
      unwrap(
        api.POST("/v1/portal/tasks/{task_id}/answer", {
          params: { path: { task_id: taskId } },
          body: answer,
        }),
      ),
    customerId,
  );
}

/** Say what became of an appointment. */
export function useAnswerAppointment(customerId: string) {
  return useCustomerMutation(
    ({ key, answer }: { key: string; answer: Attendance }) =>
      unwrap(
        api.POST("/v1/customers/{customer_id}/appointments/{key}/answer", {
          params: { path: { customer_id: customerId, key } },
          body: answer,
        }),
      ),
    customerId,
  );
}

export function useReopenTask(customerId: string) {
  return useCustomerMutation(
    (taskId: number) =>
      unwrap(api.POST("/v1/portal/tasks/{task_id}/reopen", { params: { path: { task_id: taskId } } })),
    customerId,
  );
}

export function useMoveTask(customerId: string) {
  return useCustomerMutation(
    ({ taskId, dueAt }: { taskId: number; dueAt: string }) =>
      unwrap(
        api.PATCH("/v1/portal/tasks/{task_id}", {
          params: { path: { task_id: taskId } },
          body: { due_at: dueAt },
        }),
      ),
    customerId,
  );
}

export function useCommentOnTask(customerId: string) {
  return useCustomerMutation(
    ({ taskId, text, idempotencyKey }: { taskId: number; text: string; idempotencyKey: string }) =>
      unwrap(
        api.POST("/v1/portal/tasks/{task_id}/comments", {
          params: { path: { task_id: taskId }, header: { "idempotency-key": idempotencyKey } },
          body: { text },
        }),
      ),
    customerId,
  );
}

/** Record a contact. Repeating it with the same `idempotencyKey` has no effect. */
export function useRecordContact(customerId: string) {
  return useCustomerMutation(
    ({ contact, idempotencyKey }: { contact: NewContact; idempotencyKey: string }) =>
      unwrap(
        api.POST("/v1/customers/{customer_id}/contacts", {
          params: { path: { customer_id: customerId }, header: { "idempotency-key": idempotencyKey } },
          body: contact,
        }),
      ),
    customerId,
  );
}

export function useRemoveContact(customerId: string) {
  return useCustomerMutation(
    (contactId: number) =>
      unwrap(
        api.DELETE("/v1/customers/{customer_id}/contacts/{contact_id}", {
          params: { path: { customer_id: customerId, contact_id: contactId } },
        }),
      ),
    customerId,
  );
}

/** Take back that a customer does not want to be contacted. */
export function useAllowContact(customerId: string) {
  const params = { path: { customer_id: customerId } };
  return useCustomerMutation(
    () => unwrap(api.DELETE("/v1/customers/{customer_id}/do-not-contact", { params })),
    customerId,
  );
}

/** Replace a customer's notes; fails with 409 if they have changed since `previous` was read. */
export function useSaveNotes(customerId: string) {
  return useCustomerMutation(
    ({ notes, previous }: { notes: string | null; previous: string | null }) =>
      unwrap(
        api.PUT("/v1/customers/{customer_id}/notes", {
          params: { path: { customer_id: customerId } },
          body: { notes, previous },
        }),
      ),
    customerId,
  );
}

/** Invalidate all queries that include these customers. */
export function invalidateCustomers(queries: QueryClient, customers: readonly string[]): Promise<void> {
  const changed = new Set(customers);
  return queries.invalidateQueries({ predicate: ({ queryKey }) => isAffected(queryKey, "lists", changed) });
}

function useCustomerMutation<Variables, Result>(
  change: (variables: Variables) => Promise<Result>,
  customerId: string,
) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => invalidateCustomers(queries, [customerId]) });
}
