import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { PredictionsQuery } from "../../api/queries";
import type { Stage } from "../../api/types";
import type { RiskLevels } from "../../format/risk-levels";

/** Who is listed: customers at risk, these and others with a high risk score, or those who still come. */
export const GROUPS = ["at_risk", "high_risk", "unlikely"] as const;
export type Group = (typeof GROUPS)[number];

/** Customers who still come are listed if they are more likely to stay away than to return. */
export const UNLIKELY = 0.5;

export interface Listing {
  group: Group;
  /** only customers in these stages; empty for all */
  stages: string[];
  withLost: boolean;
}

/** The listing, kept in the URL, so that it survives a look at a customer's journey. */
export function useListing() {
  const [params, setParams] = useSearchParams();
  const listing = useMemo(() => parseListing(params), [params]);
  const change = useCallback(
    (changes: Partial<Listing>) =>
      setParams((current) => toSearchParams({ ...parseListing(current), ...changes }), { replace: true }),
    [setParams],
  );
  return { listing, change };
}

export function parseListing(params: URLSearchParams): Listing {
  const group = GROUPS.find((key) => key === params.get("show")) ?? "at_risk";
  return {
    group,
    stages: params.getAll("stage").slice(0, 20),
    withLost: group !== "unlikely" && params.get("lost") === "yes",
  };
}

export function toSearchParams({ group, stages, withLost }: Listing): URLSearchParams {
  const params = new URLSearchParams({ list: "risk" });
  if (group !== "at_risk") params.set("show", group);
  for (const stage of stages) params.append("stage", stage);
  if (withLost) params.set("lost", "yes");
  return params;
}

/** The stages whose customers a listing can contain. */
export function listableStages(
  stages: readonly Stage[],
  { group, withLost }: Pick<Listing, "group" | "withLost">,
): readonly Stage[] {
  return stages.filter(({ role }) => {
    if (role === "lost") return withLost;
    if (role === "at_risk") return group !== "unlikely";
    return group !== "at_risk";
  });
}

/** Convert a listing to query parameters of the API; null while what it needs is still loading. */
export function toApiQuery(
  listing: Listing,
  stages: readonly Stage[] | undefined,
  levels: RiskLevels | null,
): PredictionsQuery | null {
  const { group, withLost } = listing;
  if (group === "at_risk" && listing.stages.length === 0) return withLost ? { include_lost: true } : {};
  if (stages === undefined || levels === null) return null;
  const listable = listableStages(stages, listing).map((stage) => stage.stage_key);
  // A bookmark may name stages that no longer exist; the API would refuse them.
  const selected = listing.stages.filter((key) => listable.includes(key));
  const filtered = selected.length > 0 ? selected : group === "unlikely" ? listable : [];
  return {
    ...(group === "high_risk" ? { min_risk: levels.high } : {}),
    ...(group === "unlikely" ? { max_return_probability: UNLIKELY } : {}),
    ...(withLost ? { include_lost: true } : {}),
    ...(filtered.length > 0 ? { stage: filtered } : {}),
  };
}
