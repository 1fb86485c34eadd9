import { Checkbox } from "antd";
import { useState } from "react";
import { useCallList } from "../../api/queries";
import { Panel } from "../../components/panel";
import { useCanEdit, useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { callColumns } from "./call-columns";
import { CustomerPages } from "./customer-pages";
import { ListChoice } from "./list-choice";

/** Whom to call, by what is at stake. */
export function CallListPanel() {
  const [withLost, setWithLost] = useState(false);
  const query = useCallList(withLost ? { include_lost: true } : {});
  const currency = useCurrency();
  const canEdit = useCanEdit();
  const t = strings.callList;
  return (
    <Panel title={t.titles.calls}>
      <div className="list-head">
        <ListChoice />
        <Checkbox checked={withLost} onChange={({ target }) => setWithLost(target.checked)}>
          {t.withLost}
        </Checkbox>
      </div>
      <CustomerPages list="calls" query={query} columns={callColumns(currency, canEdit)} />
    </Panel>
  );
}
