import { SearchOutlined } from "@ant-design/icons";
import { Select } from "antd";
import Input from "antd/es/input/Input"; // without the search, password and code fields that antd's Input includes
import type { ReactNode } from "react";
import type { Sorting } from "../../components/data-list";
import { strings } from "../../strings";
import { SORT_KEYS, type SortKey } from "./search-and-sort";

interface Props {
  text: string;
  onSearch(text: string): void;
  sorting: Sorting;
  onSort(sorting: Sorting): void;
  /** filters */
  children: ReactNode;
}

export function SearchBar({ text, onSearch, sorting, onSort, children }: Props) {
  const t = strings.actionCentre;
  return (
    <search className="filters">
      <Input
        className="search-input"
        value={text}
        onChange={({ target }) => onSearch(target.value)}
        prefix={<SearchOutlined aria-hidden />}
        placeholder={strings.customers.search}
        aria-label={t.search}
        allowClear
      />
      {children}
      <Select<SortKey>
        aria-label={t.sort}
        popupMatchSelectWidth={false}
        value={sorting.key as SortKey}
        onChange={(key) => onSort({ key, descending: key !== "predicted_churn_date" })}
        options={SORT_KEYS.map((key) => ({ value: key, label: t.sorts[key] }))}
      />
    </search>
  );
}
