import { SearchOutlined } from "@ant-design/icons";
import { Input, Select } from "antd";
import { useEffect, useId, useState } from "react";
import { useStages } from "../../api/queries";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { RISKS, type Risk, type Search, SORTS } from "./search";

const DEBOUNCE_MS = 300;

export function Filters({ search, change }: { search: Search; change(search: Partial<Search>): void }) {
  const t = strings.customers;
  const stages = useStages().data?.stages ?? [];
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
      <Select<Risk | "">
        id={ids.risk}
        aria-label={t.risk}
        value={search.risk ?? ""}
        onChange={(risk) => change({ risk: risk === "" ? null : risk })}
        options={[
          { value: "", label: t.anyRisk },
          ...(Object.keys(RISKS) as Risk[]).map((risk) => ({ value: risk, label: t.risks[risk] })),
        ]}
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
