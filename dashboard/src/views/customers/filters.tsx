import { SearchOutlined } from "@ant-design/icons";
import { Select } from "antd";
import Input from "antd/es/input/Input"; // without the search, password and code fields that antd's Input includes
import { useEffect, useId, useState } from "react";
import { useStages } from "../../api/queries";
import { useRiskLevels } from "../../components/use-risk-levels";
import { formatShare } from "../../format/numbers";
import type { RiskLevel, RiskLevels } from "../../format/risk-levels";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { type Search, SORTS } from "./search";

const DEBOUNCE_MS = 300;

export function Filters({ search, change }: { search: Search; change(search: Partial<Search>): void }) {
  const t = strings.customers;
  const stages = useStages().data?.stages ?? [];
  const levels = useRiskLevels();
  const narrow = useNarrow();
  const [text, setText] = useDebouncedInput(search.text, (input) => change({ text: input }));
  const ids = { stage: useId(), risk: useId(), sort: useId() };
  return (
    <search className="filters">
      <Input
        className="search-input"
        value={text}
        onChange={({ target }) => setText(target.value)}
        prefix={<SearchOutlined aria-hidden />}
        placeholder={t.search}
        aria-label={t.search}
        maxLength={100}
        allowClear
      />
      <Select
        id={ids.stage}
        aria-label={t.stage}
        mode="multiple"
        maxTagCount="responsive"
        showSearch={false}
        placeholder={t.anyStage}
        value={search.stages}
        onChange={(selected: string[]) => change({ stages: selected })}
        options={stages.map((stage) => ({ value: stage.stage_key, label: stage.stage_name }))}
      />
      <Select<RiskLevel | "">
        id={ids.risk}
        aria-label={t.risk}
        value={search.risk ?? ""}
        onChange={(risk) => change({ risk: risk === "" ? null : risk })}
        options={[{ value: "", label: t.anyRisk }, ...(levels === null ? [] : riskOptions(levels))]}
      />
      {narrow && (
        <Select
          id={ids.sort}
          aria-label={t.sort}
          value={search.sort}
          onChange={(sort) => change({ sort, descending: sort !== "name" && sort !== "next_deadline" })}
          options={SORTS.map((sort) => ({ value: sort, label: t.sorts[sort] }))}
        />
      )}
    </search>
  );
}

/** Options of the risk filter, with the range of each level. */
function riskOptions({ high, medium }: RiskLevels): { value: RiskLevel; label: string }[] {
  const t = strings.customers.risks;
  const from = formatShare(medium);
  const limit = formatShare(high - 0.01);
  return [
    { value: "high", label: t.high(limit) },
    { value: "medium", label: t.medium(from, limit) },
    { value: "low", label: t.low(from) },
  ];
}

/** Input state whose changes are reported after a pause in typing. */
function useDebouncedInput(
  value: string,
  onChange: (text: string) => void,
): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the wait
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => setText(value), [value]);
  return [text, setText];
}
