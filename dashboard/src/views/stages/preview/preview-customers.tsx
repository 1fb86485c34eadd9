import { DownloadOutlined } from "@ant-design/icons";
import { Button, Input, Segmented } from "antd";
import { useDeferredValue, useState } from "react";
import type { PreviewCustomer } from "../../../api/types";
import { CustomerLink } from "../../../components/customer-link";
import { type Column, DataList } from "../../../components/data-list";
import { Panel } from "../../../components/panel";
import { QueryView } from "../../../components/query-view";
import { ShowMore } from "../../../components/show-more";
import { formatDate } from "../../../format/dates";
import { type PreviewFilter, previewCsvPath, usePreviewCustomers } from "../../../rulebook/api";
import { strings } from "../../../strings";
import { ruleStrings } from "../../../strings/rules";
import { PreviewStageTag, usePreviewLook } from "./stage-names";

type Which = "moved" | "different";

/** The customers whom the change concerns, searchable, and as a file. */
export function PreviewCustomers({ previewId }: { previewId: number }) {
  const [text, setText] = useState("");
  const [which, setWhich] = useState<Which>("moved");
  const search = useDeferredValue(text.trim());
  const filter: PreviewFilter = {
    ...(search === "" ? {} : { q: search }),
    ...(which === "different" ? { past_differs: true } : {}),
  };
  const query = usePreviewCustomers(previewId, filter);
  const columns = useColumns(which);
  const t = ruleStrings.rulePreview;
  return (
    <Panel
      title={t.affected}
      extra={
        <Button icon={<DownloadOutlined aria-hidden />} href={previewCsvPath(previewId, filter)} download>
          {t.csv}
        </Button>
      }
    >
      <div className="preview-filters">
        <Input.Search
          aria-label={t.search}
          placeholder={t.searchHint}
          allowClear
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
        <Segmented<Which>
          aria-label={t.which}
          value={which}
          options={[
            { value: "moved", label: t.moved },
            { value: "different", label: t.different },
          ]}
          onChange={setWhich}
        />
      </div>
      <QueryView query={query}>
        {({ pages }) => (
          <>
            <DataList<PreviewCustomer>
              label={t.affected}
              rows={pages.flatMap((page) => page.customers)}
              rowKey={(row) => row.customer_id}
              columns={columns}
              isLoading={query.isPlaceholderData}
              dense
              empty={<p className="secondary">{search === "" ? t.nobodyAffected : t.nobody}</p>}
            />
            {query.hasNextPage && (
              <ShowMore isLoading={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
            )}
          </>
        )}
      </QueryView>
    </Panel>
  );
}

function useColumns(which: Which): Column<PreviewCustomer>[] {
  const lookOf = usePreviewLook();
  const t = ruleStrings.rulePreview;
  const customer: Column<PreviewCustomer> = {
    key: "customer",
    title: t.customer,
    render: (row) => <CustomerLink id={row.customer_id} name={row.name} />,
  };
  const path = (stages: readonly string[]) =>
    stages.length === 0 ? strings.common.none : stages.map((stage) => lookOf(stage).name).join(" → ");
  if (which === "different")
    return [
      customer,
      { key: "old", title: t.pastOld, render: (row) => path(row.past.old) },
      { key: "new", title: t.pastNew, render: (row) => path(row.past.new) },
    ];
  return [
    customer,
    { key: "from", title: t.from, render: (row) => <PreviewStageTag stage={row.from} /> },
    { key: "to", title: t.to, render: (row) => <PreviewStageTag stage={row.to} /> },
    {
      key: "next",
      title: t.nextDeadline,
      render: (row) =>
        row.next_deadline !== null && row.next_stage !== null
          ? `${lookOf(row.next_stage).name}, ${formatDate(row.next_deadline)}`
          : strings.common.none,
    },
  ];
}
