import { SearchOutlined } from "@ant-design/icons";
import { Input, Select } from "antd";
import type { Sorting } from "../../components/data-list";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { SORT_KEYS, type SortKey } from "./search-and-sort";

interface Props {
  text: string;
  onSearch(text: string): void;
  sorting: Sorting;
  onSort(sorting: Sorting): void;
  /** return to the first page */
  onReset(): void;
}

export function SearchBar({ text, onSearch, sorting, onSort, onReset }: Props) {
  const narrow = useNarrow();
  const t = strings.actionCentre;
  return (
    <search className="filters">
      <Input
        className="search-input"
        value={text}
        onChange={({ target }) => {
          onSearch(target.value);
          onReset();
        }}
        prefix={<SearchOutlined aria-hidden />}
        placeholder={strings.customers.search}
        aria-label={t.search}
        allowClear
      />
      {narrow && (
        <Select<SortKey>
          aria-label={t.sort}
          value={sorting.key as SortKey}
          onChange={(key) => {
            onSort({ key, descending: key !== "predicted_churn_date" });
            onReset();
          }}
          options={SORT_KEYS.map((key) => ({ value: key, label: t.sorts[key] }))}
        />
      )}
    </search>
  );
}
