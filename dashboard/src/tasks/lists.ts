import { useState } from "react";
import type { TaskQuery } from "../api/queries";
import { useSession } from "../session/session";

export type TaskListName = "open" | "mine" | "overdue" | "done";

export const ALL_LISTS: readonly TaskListName[] = ["open", "mine", "overdue", "done"];
export const CUSTOMER_LISTS: readonly TaskListName[] = ["open", "done"];

/** Return the query of a list. Completed tasks include those that were closed automatically. */
export function taskQuery(list: TaskListName, customerId: string | null, staffId: number | null): TaskQuery {
  const customer = customerId === null ? {} : { customer_id: customerId };
  if (list === "done") return { ...customer, status: "all", sort: "done_at" };
  if (list === "overdue") return { ...customer, overdue: true };
  return list === "mine" ? { ...customer, assigned_to: String(staffId) } : customer;
}

/**
 * The staff member whose tasks are "mine", null until one has been selected. Several people may share an access key, so
 * each browser remembers its own.
 */
export function useOwnStaffId(): [number | null, (staffId: number) => void] {
  const key = `staff of company ${useSession().company.id}`;
  const [staffId, setStaffId] = useState(() => Number(localStorage.getItem(key)) || null);
  function select(id: number) {
    localStorage.setItem(key, String(id));
    setStaffId(id);
  }
  return [staffId, select];
}
