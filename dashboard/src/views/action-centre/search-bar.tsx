import { SearchOutlined } from "@ant-design/icons";
import { Input, Select } from "antd";
import type { Sorting } from "../../components/data-list";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { SORT_KEYS, type SortKey } from "./search-and-sort";

interface Props {
  text: string;
  find(text: string): void;
  sorting: Sorting;
  sort(sorting: Sorting): void;
  /** go to the first page */
  begin(): void;
}

export function Find({ text, find, sorting, sort, begin }: Props) {
  const narrow = useNarrow();
  const said = strings.actionCentre;
  return (
    <search className="filters">
      <Input
        className="find"
        value={text}
        onChange={({ target }) => {
          find(target.value);
          begin();
        }}
        prefix={<SearchOutlined aria-hidden />}
        placeholder={strings.customers.find}
        aria-label={said.find}
        allowClear
      />
      {narrow && (
        <Select<SortKey>
          aria-label={said.sort}
          value={sorting.key as SortKey}
          onChange={(key) => {
            sort({ key, descending: key !== "predicted_churn_date" });
            begin();
          }}
          options={SORT_KEYS.map((key) => ({ value: key, label: said.sorts[key] }))}
        />
      )}
    </search>
  );
}
