import { createContext, useContext } from "react";
import type { Draft } from "../../../rulebook/draft";
import type { DraftProblem } from "../../../rulebook/problems";

interface Editing {
  /** Change the draft. Further changes with the same field are undone together. */
  edit(change: (draft: Draft) => Draft, field?: string): void;
  problems: readonly DraftProblem[];
  /** shown below the sentences of rules and scores */
  currency: string;
  /** announce a change to screen readers */
  announce(text: string): void;
}

const Context = createContext<Editing | null>(null);

export const EditingProvider = Context.Provider;

export function useEditing(): Editing {
  const value = useContext(Context);
  if (value === null) throw new Error("useEditing must be used inside EditingProvider");
  return value;
}

/** Return what is wrong with a field; null if nothing is. */
export function useProblemOf(field: string): string | null {
  const found = useEditing().problems.filter((problem) => problem.field === field);
  return found.length === 0 ? null : found.map(({ problem }) => problem).join(" ");
}
