import { SearchOutlined } from "@ant-design/icons";
import { Input, Select } from "antd";
import { useEffect, useId, useState } from "react";
import { useStages } from "../../api/queries";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { RISKS, type Risk, type Search, SORTS } from "./search";

const TYPING_MS = 300;

export function Filters({ search, change }: { search: Search; change(search: Partial<Search>): void }) {
  const said = strings.customers;
  const stages = useStages().data?.stages ?? [];
  const narrow = useNarrow();
  const [text, setText] = useTyped(search.text, (typed) => change({ text: typed }));
  const ids = { stage: useId(), risk: useId(), sort: useId() };
  return (
    <search className="filters">
      <Input
        className="find"
        value={text}
        onChange={({ target }) => setText(target.value)}
        prefix={<SearchOutlined aria-hidden />}
        placeholder={said.find}
        aria-label={said.find}
        maxLength={100}
        allowClear
      />
      <Select
        id={ids.stage}
        aria-label={said.stage}
        mode="multiple"
        maxTagCount="responsive"
        showSearch={false}
        placeholder={said.anyStage}
        value={search.stages}
        onChange={(chosen: string[]) => change({ stages: chosen })}
        options={stages.map((stage) => ({ value: stage.stage_key, label: stage.stage_name }))}
      />
      <Select<Risk | "">
        id={ids.risk}
        aria-label={said.risk}
        value={search.risk ?? ""}
        onChange={(risk) => change({ risk: risk === "" ? null : risk })}
        options={[
          { value: "", label: said.anyRisk },
          ...(Object.keys(RISKS) as Risk[]).map((risk) => ({ value: risk, label: said.risks[risk] })),
        ]}
      />
      {narrow && (
        <Select
          id={ids.sort}
          aria-label={said.sort}
          value={search.sort}
          onChange={(sort) => change({ sort, descending: sort !== "name" && sort !== "next_deadline" })}
          options={SORTS.map((sort) => ({ value: sort, label: said.sorts[sort] }))}
        />
      )}
    </search>
  );
}

/** What is being typed, passed on when the typing pauses. */
function useTyped(settled: string, pass: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(settled);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the wait
  useEffect(() => {
    if (text === settled) return;
    const timer = setTimeout(() => pass(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => setText(settled), [settled]);
  return [text, setText];
}
