import { Segmented } from "antd";
import { useSearchParams } from "react-router";
import { strings } from "../../strings";

const LISTS = ["calls", "due", "risk"] as const;
export type List = (typeof LISTS)[number];

/** The chosen list, kept in the URL. Links of before name only what the list of customers at risk contains. */
export function useList(): List {
  const [params] = useSearchParams();
  const isListing = ["show", "stage", "lost"].some((name) => params.has(name));
  return LISTS.find((list) => list === params.get("list")) ?? (isListing ? "risk" : "calls");
}

export function ListChoice() {
  const [, setParams] = useSearchParams();
  const t = strings.callList;
  return (
    <Segmented<List>
      className="list-choice"
      aria-label={t.choose}
      value={useList()}
      onChange={(list) => setParams(list === "calls" ? {} : { list }, { replace: true })}
      options={LISTS.map((value) => ({ value, label: t.lists[value] }))}
    />
  );
}
